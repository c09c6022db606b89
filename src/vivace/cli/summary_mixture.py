"""A fitted mixture over a table in figures, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from vivace.cli.options import counted
from vivace.cli.summary import held_out_record, print_course, print_table

_MAX_COMPONENTS = 20  # a screenful
#: Parameters of a summary; where there are more, their number alone is told.
MAX_LINES = 40
LEVEL = 0.95
_MAX_NAMES = 20
_WIDEST = 100
# What pages write and not every terminal can show.
_PLAIN = str.maketrans(
    {"\N{NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-", "↑": "(high)", "↓": "(low)"}
)


def table_record(
    estimator: Any, n_rows: int | None = None, most: int | None = None
) -> dict[str, Any]:
    """Return what a fit is about, in JSON's types; parameters of the components in use.

    Parameters
    ----------
    estimator : BayesianMixture
        Fitted.
    n_rows : int, optional
        Rows of the fit, if known.
    most : int, optional
        Leave the parameters out where there are more: they are counted all the same.
    """
    from vivace.plot._profiles import describe_columns

    names = getattr(estimator, "feature_names_in_", None)
    record: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "learning_method": estimator.learning_method,
        "n_rows": n_rows,
        "n_features": int(estimator.n_features_in_),
        "feature_names": None if names is None else [str(name) for name in names],
        "families": estimator.families_,
        "n_components": int(estimator.n_components),
        "n_effective_components": int(estimator.n_effective_components_),
        "converged": bool(estimator.converged_),
        "n_iter": int(estimator.n_iter_),
        "lower_bound": float(estimator.lower_bound_),
        "weights": [float(weight) for weight in estimator.weights_],
    }
    if n_rows:
        record["lower_bound_per_row"] = float(estimator.lower_bound_) / n_rows
    record |= held_out_record(estimator)
    described = describe_columns(estimator, LEVEL)
    record["components"] = _components(estimator, described)
    record["n_profiles"], record["profiles"] = 0, []
    # A family of the user's own need not describe itself.
    said = [found for found in described if not isinstance(found, NotImplementedError)]
    if len(said) == len(described):
        used = max(1, record["n_effective_components"])
        record["n_profiles"] = used * (1 + sum(map(len, said)))
        if most is None or record["n_profiles"] <= most:
            record["profiles"] = estimator._profiles(LEVEL, described)
    return record


def print_table_summary(record: dict[str, Any]) -> None:
    """Print a fit for people: some lines, the components, and parameters where they are few."""
    families = ", ".join(f"{name} {len(held)}" for name, held in record["families"].items())
    print_course(record, families=f" ({families})")
    for name, held in record["families"].items():
        click.echo(f"  {name}: {some(held)}")
    for remark in record.get("remarks", []):
        click.echo(remark)
    click.echo()
    _print_components(record)
    lines = record["profiles"]
    if record["n_profiles"] > MAX_LINES:
        click.echo(
            f"{record['n_profiles']:,} parameters with credible intervals: vivace inspect --json"
        )
    elif lines:
        click.echo()
        names = ("estimate", "lower", "upper")
        print_table(
            ["component", "column", "parameter", *names],
            [
                [str(line["component"]), str(line["column"]), str(line["parameter"])]
                + [f"{line[name]:.5g}" for name in names]
                for line in lines
            ],
        )


def _components(estimator: Any, described: Any) -> list[dict[str, Any]]:
    """The components in use, the heaviest first, and what sets each apart, as on a page."""
    from vivace.plot._moments import components_in_use
    from vivace.plot._profiles import profiles
    from vivace.report._telling import telling

    used = components_in_use(estimator)
    weights, found = estimator.weights_[used], profiles(estimator, LEVEL, described)
    return [
        {
            "component": int(k),
            "weight": float(weights[place]),
            "apart": [text.translate(_PLAIN) for text in telling(found, place, weights)],
        }
        for place, k in enumerate(used)
    ]


def _print_components(record: dict[str, Any]) -> None:
    """Print a line for each component in use."""
    components = record["components"]
    click.echo("component  weight  what sets it apart")
    for one in components[:_MAX_COMPONENTS]:
        apart = "; ".join(one["apart"]) or "nothing in any one column"
        short = apart if len(apart) <= _WIDEST else f"{apart[: _WIDEST - 3]}..."
        click.echo(f"{one['component']:>9}  {one['weight']:.4f}  {short}")
    rest = components[_MAX_COMPONENTS:]
    unused = record["n_components"] - len(components)
    hidden = []
    if rest:
        weight = sum(one["weight"] for one in rest)
        hidden.append(f"{counted(len(rest), 'smaller component')} (weight {weight:.2g})")
    if unused:
        hidden.append(counted(unused, "unused component"))
    if hidden:
        click.echo(f"not shown: {', '.join(hidden)}; see vivace inspect --json")


def some(names: Sequence[Any]) -> str:
    """Names, as many as fit a line or two."""
    shown = ", ".join(str(name) for name in names[:_MAX_NAMES])
    left = len(names) - _MAX_NAMES
    return shown if left <= 0 else f"{shown} and {left} more"
