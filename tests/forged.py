"""Contents of model files and checkpoints with something wrong in them, drawn by hypothesis."""

from __future__ import annotations

import copy
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from vivace.io.container import read_arrays, read_header

Arrays = dict[str, np.ndarray]

#: Values that do not belong where they are put.
ODD = [
    None, True, -1, 0, 1, 7, 10**9, 10**30, -0.5, 1e308, "", "x", "full", "poisson", [], [1, 2],
    [[1]], {}, {"a": 1}, {"$float": "nan"}, {"$float": "-inf"}, {"$tuple": [1]},
    {"$array": "trace"}, {"family": "os", "with": {}}, {"family": "os:system", "with": {"x": "ls"}},
]  # fmt: skip
_ODD_NUMBERS = [np.nan, np.inf, 0.0, -1.0, 1e300, -1e300, 1e-320]


def contents(path: Path) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a file."""
    with zipfile.ZipFile(path) as archive:
        header, members = read_header(archive)
        return header, read_arrays(archive, members)


def places(value: Any, where: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of a nested header."""
    found = [where] if where else []
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, item in value.items() if isinstance(value, dict) else ():
        found += places(item, (*where, key))
    return found


def forged_metadata(data: st.DataObject, given: dict[str, Any], times: int = 1) -> dict[str, Any]:
    """Return a copy of metadata in which values are replaced by odd ones, or gone."""
    found = copy.deepcopy(given)
    for _ in range(times):
        *way, last = data.draw(st.sampled_from(places(given)))
        inner: Any = found
        try:
            for key in way:
                inner = inner[key]
            if data.draw(st.booleans()):
                inner[last] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
            else:
                del inner[last]
        except (KeyError, IndexError, TypeError):  # gone with the first change
            pass
    return found


def forged_arrays(
    data: st.DataObject, header: dict[str, Any], arrays: Arrays
) -> tuple[dict[str, Any], Arrays]:
    """Return header and arrays with one array changed in values, shape or type, or gone."""
    name = data.draw(st.sampled_from(sorted(arrays)))
    array, change = arrays[name], data.draw(st.sampled_from(["value", "shape", "dtype", "gone"]))
    if change == "gone":
        header = {**header, "arrays": [one for one in header["arrays"] if one != name]}
        return header, {key: value for key, value in arrays.items() if key != name}
    if change == "value" and array.dtype.kind == "f":
        where = array == array.max() if data.draw(st.booleans()) else np.ones(array.shape, bool)
        with np.errstate(over="ignore"):
            odd = data.draw(st.sampled_from(_ODD_NUMBERS))
            array = np.where(where, odd, array).astype(array.dtype)
    elif change == "value":
        array = array ^ array.dtype.type(1) if array.dtype.kind in "iub" else array
    elif change == "shape":
        flat = array.reshape(-1)
        forms = [flat[:0], array[None], flat[:1], array.T, np.concatenate([flat] * 3)]
        array = data.draw(st.sampled_from(forms))
    else:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = array.astype(data.draw(st.sampled_from(["f4", "i8", ">f8", "c16", "u1"])))
    return header, {**arrays, name: array}
