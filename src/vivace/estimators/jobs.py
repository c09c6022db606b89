"""By what a checkpoint of another fit is recognised: model, parameters, software, data."""

from __future__ import annotations

from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from zlib import crc32

import numpy as np

from vivace import _core
from vivace.engine import Source

# Parameters that do not change a result, or only where it ends: a fit that has made its `max_iter`
# iterations can go on with a larger one (`Job.admit`).
_FREE = frozenset({"n_jobs", "verbose", "verbose_interval", "max_iter"})
_LIBRARIES = ("vivace", "numpy", "scipy", "scikit-learn")
# Rows of the data that are read together: in cache, and many for a call.
_ROWS = 4096


def identity_of(estimator: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
    """Facts that a checkpoint is checked against before the data are looked at."""
    parameters = estimator.get_params(deep=False)
    facts = {name: digest(value) for name, value in parameters.items() if name not in _FREE}
    given = {name: digest(value) for name, value in arguments.items() if value is not None}
    return {
        "model": {"class": type(estimator).__name__},
        "parameters": facts | given,
        "software": {**_versions(), "instruction set": _core.isa()},
    }


def digest(value: Any) -> str:
    """Text that is equal for equal values."""
    if isinstance(value, (np.random.RandomState, np.random.Generator)):
        return _hash(repr(value.__reduce__()).encode())  # the state is part of it
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        return repr(value.item() if isinstance(value, np.generic) else value)
    try:
        array = np.asarray(value)
    except ValueError:
        return _hash(repr(value).encode())
    if array.dtype.kind not in "fiub":
        return _hash(repr(value).encode())
    return f"{array.shape} {_hash(np.ascontiguousarray(array).tobytes())}"


def data_sample(source: Source, most: int) -> str:
    """Digest of some rows of a source and their weights, evenly spread, whatever a row is."""
    known = getattr(source, "fingerprint", None)
    if known is not None:
        return str(known)
    n = source.n_rows
    places = sorted({j * (n - 1) // max(1, most - 1) for j in range(most)})
    return _digest_of(source, [(i, i + 1) for i in places])


def data_digest(source: Source, weights: Any) -> str:
    """Digest of all rows of a source, by their checksums, and of their weights.

    One that was made while files were read serves; other rows are read for it, in blocks that
    depend on their number alone.
    """
    known = getattr(source, "fingerprint", None)
    if known is not None:
        return f"{known} {digest(weights)}"
    n = source.n_rows
    return _digest_of(source, [(i, min(i + _ROWS, n)) for i in range(0, n, _ROWS)])


def _digest_of(source: Source, blocks: list[tuple[int, int]]) -> str:
    state = blake2b(digest_size=16)
    for edges in blocks:
        block = source.read(*edges)
        _feed(state, block.data)
        _feed(state, block.weights)
    return state.hexdigest()


def _feed(state: Any, value: Any) -> None:
    if isinstance(value, (list, tuple)):
        for item in value:
            _feed(state, item)
    elif isinstance(value, np.ndarray):
        # A checksum takes a fifth of the time of a digest, and shows any bit that changed.
        found = crc32(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        state.update(repr((value.shape, value.dtype.str, found)).encode())
    else:
        state.update(repr(value).encode())


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:  # pragma: no cover (run from a source folder)
            found[library] = "unknown"
    return found
