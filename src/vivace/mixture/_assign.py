"""Which family takes which columns: from what the user says, or from the types of the columns."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivace import families
from vivace.estimators.parameters import checking_parameters
from vivace.families.base import Family
from vivace.io.model_file import NotImportedError
from vivace.mixture._automatic import automatic
from vivace.mixture._columns import Columns

#: Names that `families` takes, and the classes behind them.
BUILT_IN = {
    "bernoulli": "Bernoulli",
    "categorical": "Categorical",
    "exponential": "Exponential",
    "gamma": "Gamma",
    "gaussian": "Gaussian",
    "gaussian_diag": "Normal",
    "multinomial": "Multinomial",
    "poisson": "Poisson",
    "student_t": "StudentT",
}


@dataclass
class Assignment:
    """A family and its columns.

    Attributes
    ----------
    family : Family
    columns : list of int
        Its columns, and after them those that parameters name (the exposure).
    levels : list of list
        The levels of each column of a categorical family, known after the first fit.
    labels : list of str
        What messages call the columns.
    """

    family: Family
    columns: list[int]
    levels: list[list[Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


def assign(given: Any, table: Columns) -> list[Assignment]:
    """Resolve the parameter `families` for a table.

    Raises
    ------
    ValueError, TypeError
        An unknown family or column, a column listed twice or in no family, groups beside columns.
    """
    pairs: list[tuple[Any, Any]]
    if isinstance(given, str):
        pairs = [
            *(automatic(table) if given == "auto" else [(given, list(range(table.n_columns)))])
        ]
    elif isinstance(given, Family):
        pairs = [(given, _all_but_extra(given, table))]
    elif isinstance(given, Mapping):
        pairs = list(given.items())
    elif isinstance(given, Sequence):
        pairs = [_pair(item) for item in given]
    else:
        raise TypeError(
            "families must be 'auto', the name of a family, a mapping from names to columns or a "
            f"list of (family, columns); got {given!r}"
        )
    found = [
        Assignment(_family(family), _places(group, table))
        for family, columns in pairs
        for group in _groups(columns)
    ]
    found = [one for one in found if one.columns]
    for one in found:
        for name in one.family.extra:
            column = getattr(one.family, name)
            if column is not None:
                one.columns = [*one.columns, *_places([column], table)]
    _check_once(found, table)
    for one in found:
        one.labels = [table.label(j) for j in one.columns]
    return found


def report(assignments: list[Assignment], table_names: list[str] | None) -> dict[str, list[Any]]:
    """The attribute `families_`: names of families to columns."""
    found: dict[str, list[Any]] = {}
    for one in assignments:
        name, number = one.family.name, 2
        while name in found:
            name, number = f"{one.family.name}_{number}", number + 1
        found[name] = [j if table_names is None else table_names[j] for j in one.columns]
    return found


@checking_parameters()
def make_family(name: str, parameters: Mapping[str, Any]) -> Family:
    """A built-in family by its name."""
    if name not in BUILT_IN:
        known = ", ".join(sorted(BUILT_IN))
        raise ValueError(
            f"families: {name!r} is none of {known}.{did_you_mean(name, BUILT_IN)} For a family of "
            "your own give an instance of its class: families=[(MyFamily(), columns)]"
        )
    family: Family = getattr(families, BUILT_IN[name])(**parameters)
    return family


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that offers what is spelt nearly so; empty where nothing is."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def to_plain(assignments: list[Assignment]) -> list[dict[str, Any]]:
    """Assignments in JSON's types, for model files."""
    return [
        {
            "family": name_of(one.family),
            "parameters": one.family.parameters(),
            "columns": list(one.columns),
            "levels": one.levels,
        }
        for one in assignments
    ]


def from_plain(records: Any, trusted: Sequence[str]) -> list[Assignment]:
    """Assignments of a model file; imports modules of families only where they are trusted.

    Raises
    ------
    ValueError
        A family's module is not on the list, or it cannot be imported.
    """
    found = []
    for record in records:
        family = family_of(str(record["family"]), record["parameters"], trusted)
        columns = [int(j) for j in record["columns"]]
        levels = [list(own) for own in record["levels"]]
        found.append(Assignment(family, columns, levels, [str(j) for j in columns]))
    return found


def name_of(family: Family) -> str:
    """The name of a built-in family, the import path of another."""
    for name, class_name in BUILT_IN.items():
        if type(family) is getattr(families, class_name):
            return name
    return f"{type(family).__module__}:{type(family).__qualname__}"


def family_of(name: str, parameters: Mapping[str, Any], trusted: Sequence[str]) -> Family:
    """The family that `name_of` named."""
    if ":" not in name:
        return make_family(name, parameters)
    family = _import_family(name, trusted)(**parameters)
    if not isinstance(family, Family):
        raise ValueError(f"{name} is no family")
    return family


def _import_family(path: str, trusted: Sequence[str]) -> Any:
    module, _, name = path.partition(":")
    if module not in trusted and path not in trusted:
        raise NotImportedError(
            f"the family {path!r} is not part of vivace, and no module is imported that was not "
            f"asked for. If you trust it: vivace.load(path, trusted=[{module!r}]), or "
            f"--trusted {module}"
        )
    if not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        raise ValueError(f"{path!r} is no import path of a class")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise NotImportedError(
            f"the family {path!r} cannot be imported ({error}). Make its module importable, as it "
            "was when the model was saved: in this folder for a command, or by PYTHONPATH"
        ) from error
    if not (isinstance(found, type) and issubclass(found, Family)):
        raise ValueError(f"{path} is no class of a family")
    return found


def _pair(item: Any) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        rest = {key: value for key, value in item.items() if key not in ("family", "columns")}
        if "family" not in item or "columns" not in item:
            raise ValueError(f"families: expected 'family' and 'columns' in {dict(item)!r}")
        name = item["family"]
        return (make_family(name, rest) if isinstance(name, str) else name), item["columns"]
    if isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2:
        return item[0], item[1]
    raise TypeError(f"families: expected (family, columns) or a mapping with both, got {item!r}")


def _family(given: Any) -> Family:
    if isinstance(given, Family):
        return given
    if isinstance(given, str):
        return make_family(given, {})
    if isinstance(given, type) and issubclass(given, Family):
        return given()
    raise TypeError(f"families: expected a name or an instance of a family, got {given!r}")


def _all_but_extra(family: Family, table: Columns) -> list[int]:
    extra = [getattr(family, name) for name in family.extra]
    taken = set(_places([column for column in extra if column is not None], table))
    return [j for j in range(table.n_columns) if j not in taken]


def _groups(columns: Any) -> list[Any]:
    """Lists of columns where several are given, [["x", "y"], ["z", "w"]]; else the one."""
    if isinstance(columns, (str, int)):
        return [columns]
    listed = list(columns)
    nested = [isinstance(item, (list, tuple)) for item in listed]
    if any(nested) and not all(nested):
        single = listed[nested.index(False)]
        raise TypeError(
            f"families: expected columns or groups of columns, got both in {listed!r}. For a group "
            f"of one column write [{single!r}]"
        )
    return listed if any(nested) else [listed]


def _places(columns: Any, table: Columns) -> list[int]:
    if isinstance(columns, (str, int)):
        columns = [columns]
    found = []
    for column in columns:
        if isinstance(column, str):
            if table.names is None or column not in table.names:
                known = "the columns have no names" if table.names is None else table.names[:20]
                near = did_you_mean(column, table.names or ())
                raise ValueError(f"families: there is no column {column!r}; got {known}.{near}")
            found.append(table.names.index(column))
        else:
            j = int(column)
            if not 0 <= j < table.n_columns:
                raise ValueError(
                    f"families: there is no column {j}; the table has {table.n_columns}"
                )
            found.append(j)
    return found


def _check_once(found: list[Assignment], table: Columns) -> None:
    taken: dict[int, str] = {}
    for one in found:
        for j in one.columns:
            if j in taken:
                raise ValueError(
                    f"families: column {table.label(j)} is listed twice, under {taken[j]} and "
                    f"{one.family.name}. A column belongs to one family"
                )
            taken[j] = one.family.name
    missing = [table.label(j) for j in range(table.n_columns) if j not in taken]
    if missing:
        raise ValueError(
            f"families: column(s) {', '.join(missing[:10])} belong to no family. List them, or "
            "leave them out of X"
        )
