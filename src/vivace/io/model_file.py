"""The model file: one safe, exact format for every estimator.

A model file is a zip archive without compression:

    header.json             format, format version, class, library versions, metadata, notes
    arrays/<name>.npy       one member for each array

Loading runs no code from the file: the class is looked up in `REGISTRY`, arrays are plain numbers,
and sizes, types and shapes are checked before memory is taken. Each member has a CRC-32, so that
damage is found. The same fitted estimator makes the same bytes.

What an estimator gives
-----------------------
``_to_record() -> (meta, arrays)``
    `arrays` maps names (letters, digits, ``_`` and ``.``; not ``meta...``) to NumPy arrays of truth
    values, integers or real or complex numbers; they come back bit for bit, in C or Fortran order.
    `meta` is a dict of what `vivace.io.values.encode` takes: None, numbers, text, lists, tuples,
    dicts, arrays, ``numpy.random.RandomState`` (stored by its state). By convention it holds
    ``parameters`` (``get_params(deep=False)``), ``feature_names`` (list or None),
    ``instruction_set``, ``fitted`` (scalars such as ``n_iter_``) and ``timings``;
    ``vivace inspect`` shows these.
``_from_record(meta, arrays, trusted)`` (class method)
    Returns the fitted estimator. It checks that the shapes agree with one another and raises
    ValueError, TypeError or KeyError where they do not.
"""

from __future__ import annotations

import importlib
import os
import platform
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from vivace.io.atomic import replacing
from vivace.io.container import DAMAGE, HEADER, read_arrays, read_header, write_container
from vivace.io.values import Arrays, decode, encode

FORMAT = "vivace-model"
FORMAT_VERSION = 1
#: Characters of what the readers of the standard library say: they may quote the file itself.
_LONGEST_REASON = 200

# Classes that a model file may name, and where they live; imported when asked for.
REGISTRY = {
    "BayesianBernoulliMixture": "vivace.mixture:BayesianBernoulliMixture",
    "BayesianCategoricalMixture": "vivace.mixture:BayesianCategoricalMixture",
    "BayesianGaussianMixture": "vivace.mixture:BayesianGaussianMixture",
    "BayesianMixture": "vivace.mixture:BayesianMixture",
    "BayesianMultinomialMixture": "vivace.mixture:BayesianMultinomialMixture",
    "BayesianPoissonMixture": "vivace.mixture:BayesianPoissonMixture",
    "BayesianStudentTMixture": "vivace.mixture:BayesianStudentTMixture",
    "LatentDirichletAllocation": "vivace.topics:LatentDirichletAllocation",
}

_LIBRARIES = ("vivace", "numpy", "scipy", "scikit-learn")


class ModelFileError(ValueError):
    """A model file cannot be read, or a model cannot be stored."""


@dataclass(frozen=True)
class Record:
    """What a model file holds.

    Attributes
    ----------
    class_name : str
        Name of the estimator's class.
    format_version : int
        Version of the format that the file was written in.
    versions : dict of str
        Versions of Python and the libraries that wrote the file.
    meta : dict
        The estimator's metadata.
    notes : dict
        What was given to `save_model` beside the estimator.
    arrays : dict of ndarray
        The estimator's arrays.
    """

    class_name: str
    format_version: int
    versions: dict[str, str]
    meta: dict[str, Any]
    notes: dict[str, Any]
    arrays: Arrays


def save_model(
    estimator: object, path: str | os.PathLike[str], notes: dict[str, Any] | None = None
) -> None:
    """Write a fitted estimator to a model file.

    The file is written beside `path` and renamed: on an error or Ctrl-C, `path` is as it was.

    Parameters
    ----------
    estimator : object
        A fitted estimator of a class in `REGISTRY`.
    path : str or path-like
        Destination; an existing file is replaced.
    notes : dict, optional
        What else people want to know of the fit, such as the data's name and timings; like
        metadata. `read_record` gives it back, the estimator does not see it.

    Raises
    ------
    ModelFileError
        The estimator or one of its parameters cannot be stored.
    OSError
        The file cannot be written.
    """
    class_name = type(estimator).__name__
    if class_name not in REGISTRY or _resolve(class_name) is not type(estimator):
        raise ModelFileError(
            f"cannot save a {type(estimator).__module__}.{class_name}: expected an instance of "
            f"{', '.join(sorted(REGISTRY))} itself. Remedy: use pickle for classes of your own"
        )
    meta, own_arrays = estimator._to_record()  # type: ignore[attr-defined]
    arrays: Arrays = dict(own_arrays)
    for name in arrays:
        if name == "meta" or name.startswith("meta."):
            raise ModelFileError(f"array {name!r}: names that start with meta are reserved")
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "class": class_name,
        "versions": library_versions(),
        "arrays": [],
        "meta": {},
    }
    try:
        header["meta"] = encode(meta, "meta", arrays)
        header["notes"] = encode(notes or {}, "meta.notes", arrays)
        header["arrays"] = list(arrays)
        with replacing(path) as file:
            write_container(file, header, arrays)
    except ValueError as error:
        raise ModelFileError(f"cannot save this {class_name}: {error}") from error


class NotImportedError(ValueError):
    """A file names code that is not imported; the message says why, and the remedy."""


def load_model(path: str | os.PathLike[str], trusted: Sequence[str] = ()) -> Any:
    """Read a fitted estimator from a model file; runs no code from the file.

    Parameters
    ----------
    path : str or path-like
        A file that `save_model` wrote.
    trusted : sequence of str, optional
        Modules (``package.module``), or classes in them (``package.module:Class``), that may be
        imported for families of your own. No other module is imported because a file names it.

    Returns
    -------
    estimator : object
        Equal to the saved one bit for bit.

    Raises
    ------
    ModelFileError
        The file is damaged, no model file, or of a newer format; the message says which.
    OSError
        The file does not exist or cannot be opened.
    """
    record = read_record(path)
    where = os.fspath(path)
    if record.class_name not in REGISTRY:
        raise ModelFileError(
            f"{where}: holds a {record.class_name[:100]!r}; expected one of "
            f"{', '.join(sorted(REGISTRY))}. Remedy: update vivace, if a newer one wrote the file"
        )
    estimator_class = _resolve(record.class_name)
    try:
        return estimator_class._from_record(record.meta, record.arrays, tuple(trusted))
    except NotImportedError as error:
        raise ModelFileError(f"{where}: {error}") from error
    # Whatever forged content leads to: nothing of it is trusted.
    except Exception as error:
        raise ModelFileError(
            f"{where}: its content is not that of a {record.class_name} "
            f"({type(error).__name__}: {str(error)[:300]}). Remedy: save the model again"
        ) from error


def read_record(path: str | os.PathLike[str]) -> Record:
    """Read and check what a model file holds, without making the estimator.

    Parameters
    ----------
    path : str or path-like
        A model file.

    Returns
    -------
    record : Record

    Raises
    ------
    ModelFileError
        The file is damaged, no model file, or of a newer format; the message says which.
    OSError
        The file does not exist or cannot be opened.
    """
    where = os.fspath(path)
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelFileError(f"{where}: expected a file, got a folder, a device or a pipe")
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _read(archive)
        except ModelFileError as error:
            raise ModelFileError(f"{where}: {error}") from error
        except DAMAGE as error:
            reason = (str(error) or type(error).__name__)[:_LONGEST_REASON]
            raise ModelFileError(
                f"{where}: expected a vivace model file, got something else or a damaged copy "
                f"({reason}). Remedy: copy the file again, or save the model again"
            ) from error


def _read(archive: zipfile.ZipFile) -> Record:
    header, members = read_header(archive)
    if header.get("format") != FORMAT:
        raise ValueError(f"{HEADER} is not that of a model file")
    found = header.get("format_version")
    if type(found) is not int or found < 1:
        raise ValueError(f"format version {found!r}; expected an integer from 1")
    if found > FORMAT_VERSION:
        raise ModelFileError(
            f"format version {found}, written by a newer vivace; this one reads up to "
            f"{FORMAT_VERSION}. Remedy: update vivace"
        )
    class_name, versions = header.get("class"), header.get("versions")
    meta, notes = header.get("meta"), header.get("notes", {})
    if (
        not isinstance(class_name, str)
        or not isinstance(versions, dict)
        or not all(isinstance(value, str) for value in versions.values())
        or not isinstance(meta, dict)
        or not isinstance(notes, dict)
    ):
        raise ValueError(f"{HEADER} lacks class, versions, meta or notes")
    if header.get("arrays") != list(members):
        raise ValueError(f"the arrays are not those that {HEADER} lists")
    arrays = read_arrays(archive, members)
    meta, notes = decode(meta, arrays), decode(notes, arrays)
    unused = [name for name in arrays if name.startswith("meta.")]
    if unused or not isinstance(meta, dict) or not isinstance(notes, dict):
        raise ValueError(f"{HEADER} and the arrays do not fit")
    return Record(class_name, found, versions, meta, notes, arrays)


def _resolve(class_name: str) -> Any:
    module, _, name = REGISTRY[class_name].partition(":")
    return getattr(importlib.import_module(module), name)


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a model depends on."""
    versions = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:  # pragma: no cover (run from a source folder)
            versions[library] = "unknown"
    return versions
