"""A fitted mixture in figures, for people and for programs."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from vivace.cli.options import counted

_MAX_COMPONENTS = 12  # a screenful
_MAX_FEATURES = 6
_ROWS_AT_A_TIME = 1 << 16


def fit_record(estimator: Any, n_rows: int | None = None) -> dict[str, Any]:
    """Return what a fit is about, in JSON's types.

    Parameters
    ----------
    estimator : BayesianGaussianMixture
        Fitted.
    n_rows : int, optional
        Rows of the fit, if known.
    """
    names = getattr(estimator, "feature_names_in_", None)
    n_features = int(estimator.n_features_in_)
    record: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "covariance_type": estimator.covariance_type,
        "learning_method": estimator.learning_method,
        "n_rows": n_rows,
        "n_features": n_features,
        "feature_names": [str(n) for n in names] if names is not None else None,
        "n_components": int(estimator.n_components),
        "n_effective_components": int(estimator.n_effective_components_),
        "converged": bool(estimator.converged_),
        "n_iter": int(estimator.n_iter_),
        "lower_bound": float(estimator.lower_bound_),
    }
    if n_rows:
        record["lower_bound_per_row"] = float(estimator.lower_bound_) / n_rows
    record |= held_out_record(estimator)
    record["components"] = [
        {"weight": float(weight), "mean": [float(value) for value in mean]}
        for weight, mean in zip(estimator.weights_, estimator.means_, strict=True)
    ]
    return record


def print_summary(record: dict[str, Any]) -> None:
    """Print a fit for people: some lines, and the heaviest components."""
    print_course(record, record["covariance_type"])
    click.echo()
    _print_components(record)


def print_course(record: dict[str, Any], kind: str = "", families: str = "") -> None:
    """Print what is known of the fit of any mixture: model, data, components, bound."""
    rows = f"{record['n_rows']:,} rows, " if record["n_rows"] else ""
    state = "converged" if record["converged"] else "NOT converged"
    per_row = record.get("lower_bound_per_row")
    lines = {
        "model": f"{record['estimator']} ({kind}{', ' * bool(kind)}{record['learning_method']})",
        "data": f"{rows}{record['n_features']} columns{families}",
        "components": f"{record['n_effective_components']} in use of {record['n_components']}",
        "iterations": f"{record['n_iter']}, {state}",
        "lower bound": f"{record['lower_bound']:,.4f} nats"
        + (f" ({per_row:.6f} a row)" if per_row is not None else ""),
    }
    if "best_iter" in record:
        lines["held out"] = held_out_line(record, "row")
    print_pairs(lines)


def held_out_record(estimator: Any) -> dict[str, Any]:
    """Return the score of held-out data, where there are any, and the iteration that was kept."""
    best = getattr(estimator, "best_iter_", 0)
    if best == 0:
        return {}
    return {"held_out": float(estimator.validation_trace_[best - 1]), "best_iter": int(best)}


def held_out_line(record: dict[str, Any], unit: str) -> str:
    """Return the same for people."""
    score, best = record["held_out"], record["best_iter"]
    return f"{score:.5f} nats a {unit} after iteration {best}, kept"


def print_pairs(pairs: dict[str, str]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        click.echo(f"{name:<{width}}  {value}")


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print right-aligned columns."""
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    for line in [head, *rows]:
        click.echo("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)))


def _print_components(record: dict[str, Any]) -> None:
    components = record["components"]
    n_features = record["n_features"]
    names = record["feature_names"] or [f"x{i}" for i in range(n_features)]
    shown = min(n_features, _MAX_FEATURES)
    head = ["component", "weight", *(name[:16] for name in names[:shown])]
    order = sorted(range(len(components)), key=lambda k: -components[k]["weight"])
    in_use = max(1, record["n_effective_components"])
    rows = [
        [
            str(k),
            f"{components[k]['weight']:.4f}",
            *(f"{value:.5g}" for value in components[k]["mean"][:shown]),
        ]
        for k in order[: min(in_use, _MAX_COMPONENTS)]
    ]
    print_table(head, rows)
    hidden = []
    for which, some in (("smaller", order[len(rows) : in_use]), ("unused", order[in_use:])):
        if some:
            weight = sum(components[k]["weight"] for k in some)
            hidden.append(f"{counted(len(some), f'{which} component')} (weight {weight:.2g})")
    if n_features > shown:
        hidden.append(counted(n_features - shown, "column"))
    if hidden:
        click.echo(f"not shown: {', '.join(hidden)}; see vivace inspect --json")


def blame(table: Any, error: Exception) -> str | None:
    """Return a message that names the entry which a fit could not take, if that is the reason."""
    if "NaN" not in str(error) and "infinity" not in str(error):
        return None
    return first_gap(table)


def first_gap(table: Any, choosable: bool = True) -> str | None:
    """Return where a table has its first entry that is not finite, as a message.

    `choosable`: whether a column could be left out; no column of a fitted model can.
    """
    for start in range(0, len(table.values), _ROWS_AT_A_TIME):
        found = gap_in(
            table.values[start : start + _ROWS_AT_A_TIME], table.names, start, choosable=choosable
        )
        if found is not None:
            return found
    return None


def gap_in(rows: Any, names: list[str], start: int, *, choosable: bool) -> str | None:
    """Return the first entry of some rows that is not finite, as `first_gap` does."""
    bad = ~np.isfinite(rows)
    if not bad.any():
        return None
    row, column = (int(i) for i in np.argwhere(bad)[0])
    value = rows[row][column]
    return (
        f"column {names[column]!r}, row {start + row + 1} of the data: expected a "
        f"finite number, got {'a gap or NaN' if np.isnan(value) else value}. Remedy: fill "
        "or remove such rows"
        + ", or leave the column out with --exclude" * choosable
        + ", or take gaps as missing at random with --missing marginalize"
        * (choosable and bool(np.isnan(value)))
    )
