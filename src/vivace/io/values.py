"""Parameters and metadata as JSON, exactly: what JSON lacks is spelled as {"$kind": ...}."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_MAX_DEPTH = 50
_MT19937_WORDS = 624
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

Arrays = dict[str, np.ndarray[Any, Any]]


def encode(value: object, where: str, arrays: Arrays, depth: int = 0) -> Any:
    """Turn `value` into something that JSON holds without loss.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, list, tuple, dict with text keys, NumPy scalar (comes back as
        a Python number), NumPy array, ``numpy.random.RandomState`` (comes back in the same state).
    where : str
        Name of the value, for errors and for the names of arrays.
    arrays : dict
        Arrays found on the way are added here.

    Raises
    ------
    ValueError
        The value cannot be stored; the message names it and the remedy.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"{where} is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, list):
        return [encode(item, f"{where}.{i}", arrays, depth + 1) for i, item in enumerate(value)]
    if isinstance(value, tuple):
        return {"$tuple": encode(list(value), where, arrays, depth + 1)}
    if isinstance(value, Mapping):
        return _encode_mapping(value, where, arrays, depth)
    if isinstance(value, np.ndarray):
        name = re.sub(r"[^A-Za-z0-9_.]", "_", where)[:80]
        while name in arrays:
            name += "_"
        arrays[name] = value
        return {"$array": name}
    if isinstance(value, np.random.RandomState):
        return {"$random_state": _encode_random_state(value, where, arrays, depth)}
    raise ValueError(
        f"{where} is a {type(value).__name__}, which a model file cannot hold; expected None, a "
        "number, text, a list, a dict, a NumPy array or a RandomState. Remedy: set_params to one "
        "of these (a random_state: an integer), or use pickle"
    )


def _encode_mapping(value: Mapping[Any, Any], where: str, arrays: Arrays, depth: int) -> Any:
    for key in value:
        if not isinstance(key, str) or key.startswith("$"):
            raise ValueError(f"{where} has the key {key!r}; expected text without $ in front")
    return {key: encode(v, f"{where}.{key}", arrays, depth + 1) for key, v in value.items()}


def _encode_random_state(
    value: np.random.RandomState, where: str, arrays: Arrays, depth: int
) -> Any:
    state = value.get_state(legacy=False)
    assert isinstance(state, dict)
    if state["bit_generator"] != "MT19937":
        raise ValueError(
            f"{where} is a RandomState over {state['bit_generator']}; expected MT19937, NumPy's "
            "default. Remedy: set_params(random_state=<integer>)"
        )
    record = {
        "key": np.asarray(state["state"]["key"]),
        "pos": int(state["state"]["pos"]),
        "has_gauss": int(state["has_gauss"]),
        "gauss": float(state["gauss"]),
    }
    return encode(record, where, arrays, depth + 1)


def decode(value: Any, arrays: Arrays, depth: int = 0) -> Any:
    """Reverse `encode`; arrays that are referred to leave `arrays`.

    Raises
    ------
    ValueError
        `value` was not made by `encode`.
    """
    if depth > _MAX_DEPTH:
        raise ValueError(f"expected at most {_MAX_DEPTH} nested levels")
    if isinstance(value, list):
        return [decode(item, arrays, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith("$") for key in value):
        return {key: decode(item, arrays, depth + 1) for key, item in value.items()}
    if len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind == "$float" and isinstance(content, str) and content in _NOT_FINITE:
            return _NOT_FINITE[content]
        if kind == "$tuple" and isinstance(content, list):
            return tuple(decode(content, arrays, depth + 1))
        if kind == "$array" and isinstance(content, str) and content in arrays:
            return arrays.pop(content)
        if kind == "$random_state":
            return _decode_random_state(decode(content, arrays, depth + 1))
    raise ValueError(f"unknown value {str(value)[:120]}")


def _decode_random_state(record: Any) -> np.random.RandomState:
    if not isinstance(record, dict):
        record = {}
    key, pos = record.get("key"), record.get("pos")
    has_gauss, gauss = record.get("has_gauss"), record.get("gauss")
    # NumPy does not check `pos`, and a wrong one reads outside the generator's memory.
    if not (
        isinstance(key, np.ndarray)
        and key.shape == (_MT19937_WORDS,)
        and key.dtype == np.uint32
        and type(pos) is int
        and 0 <= pos <= _MT19937_WORDS
        and type(has_gauss) is int
        and has_gauss in (0, 1)
        and isinstance(gauss, float)
    ):
        raise ValueError("the stored state of a random generator is not valid")
    result = np.random.RandomState()
    result.set_state(("MT19937", key, pos, has_gauss, gauss))
    return result
