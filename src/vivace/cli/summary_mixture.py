"""A fitted mixture over a table in figures, for people and for programs."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.summary import held_out_record, print_course, print_table

_MAX_COMPONENTS = 12  # a screenful
_MAX_LINES = 40
_MAX_NAMES = 20


def table_record(estimator: Any, n_rows: int | None = None) -> dict[str, Any]:
    """Return what a fit is about, in JSON's types; parameters of the components in use."""
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
    try:
        profiles = estimator.profiles()
    except NotImplementedError:  # a family of the user's own need not describe itself
        profiles = []
    record["profiles"] = (
        profiles if isinstance(profiles, list) else profiles.to_dict(orient="records")
    )
    return record


def print_table_summary(record: dict[str, Any]) -> None:
    """Print a fit for people: some lines, and the parameters of the heaviest components."""
    families = ", ".join(f"{name} {len(held)}" for name, held in record["families"].items())
    print_course(record, families=f" ({families})")
    for name, held in record["families"].items():
        click.echo(f"  {name}: {_some([str(column) for column in held])}")
    click.echo()
    profiles = [
        [
            str(line["component"]),
            str(line["column"]),
            str(line["parameter"]),
            *(f"{line[name]:.5g}" for name in ("estimate", "lower", "upper")),
        ]
        for line in record["profiles"][:_MAX_LINES]
    ]
    print_table(["component", "column", "parameter", "estimate", "lower", "upper"], profiles)
    left = len(record["profiles"]) - len(profiles)
    if left > 0:
        click.echo(f"not shown: {left} parameters; see vivace inspect --json")


def _some(names: list[str]) -> str:
    """Names, as many as fit a line or two."""
    shown = ", ".join(names[:_MAX_NAMES])
    left = len(names) - _MAX_NAMES
    return shown if left <= 0 else f"{shown} and {left} more"
