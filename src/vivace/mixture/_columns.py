"""Tables of any library as columns: numbers, or levels of a category, with their gaps.

pandas, polars and Arrow are recognised by name, so that none of them is imported here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Integral, Number
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import _get_feature_names, check_array

Kind = Literal["bool", "integer", "float", "text"]


@dataclass
class Columns:
    """A checked table.

    Attributes
    ----------
    n_rows, n_columns : int
    names : list of str or None
        Names of the columns, where they are all text.
    source : object
        The table: a two-dimensional array, a frame, or compressed rows.
    library : str
        "numpy", "pandas", "polars", "pyarrow" or "sparse".
    """

    n_rows: int
    n_columns: int
    names: list[str] | None
    source: Any
    library: str
    _coded: dict[int, tuple[NDArray[np.int64], list[Any]]] = field(default_factory=dict, repr=False)

    def raw(self, j: int) -> Any:
        """Column j as its library holds it."""
        if self.library == "pandas":
            return self.source.iloc[:, j]
        if self.library == "polars":
            return self.source.to_series(j)
        if self.library == "pyarrow":
            return self.source.column(j)
        return self.source[:, j]

    def kind(self, j: int) -> Kind:
        """What the type of column j says it holds."""
        column = self.raw(j)
        if self.library in ("polars", "pyarrow"):
            found = str(column.dtype if self.library == "polars" else column.type).lower()
            return _kind_from_name(found, self.label(j))
        dtype = column.dtype
        if not isinstance(dtype, np.dtype):  # an extension type of pandas
            return _kind_from_name(str(dtype).lower(), self.label(j))
        if dtype.kind == "O":
            return self._kind_of_objects(j)
        if dtype.kind in "UST":
            return "text"
        kinds: dict[str, Kind] = {"b": "bool", "i": "integer", "u": "integer", "f": "float"}
        if dtype.kind not in kinds:
            raise TypeError(
                f"column {self.label(j)} is of type {dtype}; expected numbers, truth values, text "
                "or categories. Convert it, or leave it out"
            )
        return kinds[dtype.kind]

    def numbers(self, j: int) -> NDArray[Any]:
        """Column j as an array of numbers, NaN where missing; a view where it can be."""
        column = self.raw(j)
        try:
            if self.library == "polars":
                if column.null_count():
                    column = column.cast(float, strict=True)
                found = column.to_numpy()
            elif self.library == "pyarrow":
                found = column.to_numpy()
            elif self.library == "pandas" and not isinstance(column.dtype, np.dtype):
                found = column.to_numpy(dtype=np.float64, na_value=np.nan)
            else:
                found = np.asarray(column)
            if found.dtype.kind not in "biuf":
                found = _as_floats(found)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"column {self.label(j)} holds what is no number ({error}). Give it to the family "
                "'categorical', or convert it"
            ) from None
        return np.asarray(found)

    def _kind_of_objects(self, j: int) -> Kind:
        """Objects that are all truth values or all numbers, gaps aside, are what they hold."""
        found = self.values(j)[1]
        if not found or not all(isinstance(value, (Number, np.generic)) for value in found):
            return "text"
        if all(isinstance(value, (bool, np.bool_)) for value in found):
            return "bool"
        return "integer" if all(isinstance(value, Integral) for value in found) else "float"

    def integral(self, j: int) -> bool:
        """Whether column j holds integers: by its type, or all whole with some missing."""
        values = self.numbers(j)
        if values.dtype.kind != "f":
            return True
        lost = np.isnan(values)
        if not lost.any() or lost.all():
            return False
        return bool(((values == np.rint(values)) & np.isfinite(values) | lost).all())

    def texts(self, j: int) -> tuple[list[Any], int]:
        """Return the different values of column j, and how many rows have one."""
        codes, found = self.values(j)
        return found, int(np.count_nonzero(codes >= 0))

    def place(self, j: int, text: str) -> str | None:
        """Where in a text file column j first holds `text`: here there is no file."""
        return None

    def declared(self, j: int) -> bool:
        """Whether column j was declared to be categories."""
        return self.library == "pandas" and hasattr(self.raw(j), "cat")

    def extremes(self, j: int) -> tuple[float, float]:
        """Smallest and largest number of column j, gaps aside; NaN without any."""
        values = self.numbers(j)
        return float(np.fmin.reduce(values)), float(np.fmax.reduce(values))

    def values(self, j: int) -> tuple[NDArray[np.int64], list[Any]]:
        """Column j as codes (-1 where missing) and the distinct values they stand for."""
        if j not in self._coded:
            try:
                self._coded[j] = self._factorised(j)
            except TypeError as error:  # lists, dicts and the like have no hash
                raise TypeError(
                    f"column {self.label(j)} holds values that cannot be told apart ({error}). "
                    "Expected numbers, truth values or text in every cell: divide it into columns, "
                    "or leave it out"
                ) from None
        return self._coded[j]

    def _factorised(self, j: int) -> tuple[NDArray[np.int64], list[Any]]:
        column = self.raw(j)
        if self.library == "pandas" and hasattr(column, "cat"):
            return np.asarray(column.cat.codes, dtype=np.int64), column.cat.categories.tolist()
        if self.library == "polars":
            if "Categorical" in str(column.dtype) or "Enum" in str(column.dtype):
                column = column.cast(str)
            found = column.to_numpy()
        elif self.library == "pyarrow":
            found = column.to_numpy()
        else:
            found = np.asarray(column)
        return _factorise(found)

    def label(self, j: int) -> str:
        """What messages call column j."""
        return repr(self.names[j]) if self.names is not None else str(j)


def read_columns(X: Any, name: str) -> Columns:
    """Look at a table; `name` is the estimator's, for errors.

    Raises
    ------
    TypeError, ValueError
        Not a table, or an empty one.
    """
    library = type(X).__module__.partition(".")[0]
    if sparse.issparse(X):
        X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], estimator=name)
        return Columns(X.shape[0], X.shape[1], None, X, "sparse")
    if library in ("pandas", "polars", "pyarrow") and hasattr(X, "shape") and len(X.shape) == 2:
        n_rows, n_columns = X.shape
        names = _get_feature_names(X) if library != "pyarrow" else X.column_names
        if n_rows == 0 or n_columns == 0:
            raise ValueError(
                f"Found array with {n_rows} sample(s) and {n_columns} feature(s) (shape="
                f"{X.shape}) while a minimum of 1 is required by {name}."
            )
        found = None if names is None else [str(column) for column in names]
        return Columns(n_rows, n_columns, found, X, library)
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(np.float64), np.nan)
    whole = isinstance(X, np.ndarray) and X.dtype.kind in "iub" and X.ndim == 2
    mixed = isinstance(X, np.ndarray) and X.dtype.kind in "OUST"
    if not isinstance(X, np.ndarray) and not hasattr(X, "__array__"):
        mixed = _holds_text(X)
    dtype = None if whole or mixed else [np.float64, np.float32]
    X = check_array(
        np.asarray(X, dtype=object) if mixed else X,
        dtype=dtype,
        ensure_all_finite=False,
        estimator=name,
    )
    return Columns(X.shape[0], X.shape[1], None, X, "numpy")


def check_names(X: Any) -> None:
    """Refuse a table in which two columns have one name.

    Raises
    ------
    ValueError
        Names the columns.
    """
    if not hasattr(X, "columns"):
        return
    names = list(X.column_names if hasattr(X, "column_names") else X.columns)
    twice = sorted(str(name) for name, times in Counter(names).items() if times > 1)
    if twice:
        raise ValueError(
            f"column names must be distinct: {', '.join(map(repr, twice[:10]))} occur(s) more than "
            "once. Rename or drop columns, such as X = X.loc[:, ~X.columns.duplicated()]"
        )


def match_levels(codes: NDArray[np.int64], found: list[Any], levels: list[Any]) -> Any:
    """Codes of `found` -> codes of the known `levels`; -1 for gaps, -2 for unknown ones."""
    places = {level: i for i, level in enumerate(levels)}
    table = np.array([places.get(_plain(value), -2) for value in found] + [-1], dtype=np.int64)
    return table[codes].astype(np.int32)


def sorted_levels(found: list[Any]) -> list[Any]:
    """Plain values in an order of their own."""
    plain = [_plain(value) for value in found]
    try:
        return sorted(plain)
    except TypeError:
        return sorted(plain, key=lambda value: (type(value).__name__, str(value)))


def _kind_from_name(name: str, label: str) -> Kind:
    if name.startswith("bool"):
        return "bool"
    if name.startswith(("int", "uint")):
        return "integer"
    if name.startswith(("float", "double", "halffloat", "decimal")):
        return "float"
    if name.startswith(("str", "large_string", "string", "utf8", "cat", "enum", "dict", "null")):
        return "text"
    raise TypeError(
        f"column {label} is of type {name}; expected numbers, truth values, text or categories. "
        "Convert it, or leave it out"
    )


def _as_floats(values: NDArray[Any]) -> NDArray[np.float64]:
    """Objects as numbers: None and other missing values become NaN."""
    out = np.empty(len(values))
    for i, value in enumerate(values):
        out[i] = np.nan if _is_missing(value) else float(value)
    return out


def _is_missing(value: Any) -> bool:
    # The names first: whether pandas' NA differs from itself is neither true nor false.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return bool(value != value)


def _factorise(values: NDArray[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    if values.dtype.kind in "biufUS":
        missing = np.isnan(values) if values.dtype.kind == "f" else None
        found, codes = np.unique(values, return_inverse=True)
        codes = codes.reshape(-1)
        if missing is not None and missing.any():
            codes = np.where(missing, -1, codes)
            found = found[~np.isnan(found)]
        return codes.astype(np.int64), found.tolist()
    places: dict[Any, int] = {}
    codes = np.empty(len(values), dtype=np.int64)
    for i, value in enumerate(values):
        codes[i] = -1 if _is_missing(value) else places.setdefault(value, len(places))
    return codes, list(places)


def _plain(value: Any) -> Any:
    """A level as Python's own value; whole floats as integers, so that types may change."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _holds_text(X: Any) -> bool:
    """Whether nested lists hold text or None."""
    if not isinstance(X, Sequence) or isinstance(X, str):
        return False
    rows = [row for row in X[:10] if isinstance(row, Sequence) and not isinstance(row, str)]
    return any(isinstance(v, str) or v is None for row in rows for v in row)
