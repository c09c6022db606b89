"""What a model file holds of a mixture over a table, and the way back.

A family of the user's own is named by its import path; loading imports its module only where the
caller says that it is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vivace import _core
from vivace.estimators.about import about_record, restore_about
from vivace.estimators.record import Arrays, names_record, parameters_record, restore_features
from vivace.families.base import Family
from vivace.mixture._assign import family_of, from_plain, name_of, to_plain
from vivace.mixture._parts import PartPrior, TablePrior, make_table_model
from vivace.mixture._record import (
    FIT_SCALARS,
    array_of,
    best_record,
    check_components,
    restored_fit,
    restored_scores,
    trace_record,
)
from vivace.mixture._state import Fitted
from vivace.mixture._table_fit import shape_of_table
from vivace.models.scaling import Scaling


def to_record(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return metadata and arrays of a fitted estimator."""
    fitted: Fitted = estimator._fitted
    fit, prior, statistics = fitted.fit, fitted.prior, fitted.fit.statistics
    parameters = {
        name: _plain(value) if name == "families" else value
        for name, value in _parameters(estimator).items()
    }
    meta = {
        "parameters": parameters,
        "feature_names": names_record(estimator),
        "n_features": int(estimator.n_features_in_),
        "instruction_set": _core.isa(),
        **about_record(estimator),
        "fitted": {
            "lower_bound_": float(fit.elbo),
            "n_iter_": int(fit.n_iter),
            "converged_": bool(fit.converged),
            "n_effective_components_": estimator.n_effective_components_,
            "leftover_weight_": estimator.leftover_weight_,
            **best_record(fitted),
            "families_": estimator.families_,
        },
        "fit": {name: getattr(fit, name) for name in FIT_SCALARS},
        "weight_concentration": prior.weight_concentration,
        "families": to_plain(prior.assignments),
        "sparse": [part.sparse for part in prior.parts],
        "entries_per_row": float(fitted.model.entries_per_row),
        "row_weight": float(fitted.row_weight),
        "seen": float(fitted.seen),
        "fingerprint": fitted.fingerprint,
    }
    arrays: Arrays = {"trace": np.asarray(fit.trace, dtype=np.float64)}
    for i, part in enumerate(prior.parts):
        arrays[f"gaps.{i}"] = part.gaps
        if part.feature_scale is not None:
            arrays[f"feature_scale.{i}"] = part.feature_scale
        if part.scaling is not None:
            arrays[f"centre.{i}"], arrays[f"scale.{i}"] = part.scaling.centre, part.scaling.scale
        for name, value in part.prior.items():
            arrays[f"prior.{i}.{name}"] = np.asarray(value, dtype=np.float64)
    arrays.update({f"statistics.{name}": statistics[name] for name in statistics.names})
    arrays.update(trace_record(fitted))
    return meta, arrays


def from_record(
    estimator_class: Any, meta: dict[str, Any], arrays: Arrays, trusted: Sequence[str]
) -> Any:
    """Make the fitted estimator again.

    Raises
    ------
    ValueError, TypeError, KeyError
        Shapes or values do not fit each other, or a family's module is not trusted.
    """
    assignments = from_plain(meta["families"], trusted)
    parameters = dict(meta["parameters"])
    if "families" in parameters:
        parameters["families"] = _restored(parameters["families"], trusted)
    estimator = estimator_class(**parameters)
    estimator._validate_params()
    parameters = estimator.get_params(deep=False)
    check_components(parameters, arrays)
    parts = []
    for i, (one, sparse) in enumerate(zip(assignments, meta["sparse"], strict=True)):
        d = len(one.columns)
        scaling = None
        if f"centre.{i}" in arrays:
            scaling = Scaling(
                array_of(arrays, f"centre.{i}", (d,)), array_of(arrays, f"scale.{i}", (d,))
            )
        if one.family.standardised and scaling is None:
            raise ValueError(f"centre.{i} and scale.{i} are missing")
        start = f"prior.{i}."
        prior = {
            name.removeprefix(start): array_of(arrays, name, value.shape)
            for name, value in arrays.items()
            if name.startswith(start)
        }
        gaps = arrays[f"gaps.{i}"]
        if gaps.dtype != np.bool_ or gaps.shape != (one.family.units(d),):
            raise ValueError(f"gaps.{i} must be truth values, one a unit, got {gaps.shape}")
        parts.append(
            PartPrior(prior, scaling, gaps, arrays.get(f"feature_scale.{i}"), bool(sparse))
        )
    concentration = float(meta["weight_concentration"])
    table_prior = TablePrior(concentration, assignments, parts)
    model = make_table_model(parameters, table_prior)
    model.entries_per_row = float(meta["entries_per_row"])
    fit = restored_fit(model, meta, arrays)
    restore_about(estimator, meta)
    restore_features(estimator, meta["feature_names"], int(meta["n_features"]))
    estimator._set_fitted(
        Fitted(
            model,
            table_prior,
            fit,
            float(meta["row_weight"]),
            shape_of_table(parameters, assignments),
            str(meta["fingerprint"]),
            float(meta["seen"]),
            restored_scores(estimator, meta, arrays),
        )
    )
    return estimator


def _parameters(estimator: Any) -> dict[str, Any]:
    families = estimator.get_params(deep=False).get("families")
    found = {
        name: value
        for name, value in parameters_record(_Without(estimator)).items()
        if name != "families"
    }
    return found if families is None else {"families": families, **found}


class _Without:
    """Parameters but `families`, which has a form of its own in the file."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def get_params(self, deep: bool) -> dict[str, Any]:
        """Return the others."""
        found = dict(self._estimator.get_params(deep=deep))
        found.pop("families", None)
        return found


def _plain(value: Any) -> Any:
    """Families as records, in mappings and lists of any depth."""
    if isinstance(value, Family):
        return {"family": name_of(value), "with": value.parameters()}
    if isinstance(value, type) and issubclass(value, Family):
        return _plain(value())
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(k), _plain(v)] for k, v in value.items()]}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [_plain(item) for item in value]


def _restored(value: Any, trusted: Sequence[str]) -> Any:
    if isinstance(value, dict) and set(value) == {"family", "with"}:
        return family_of(value["family"], value["with"], trusted)
    if isinstance(value, dict) and set(value) == {"pairs"}:
        return {_restored(k, trusted): _restored(v, trusted) for k, v in value["pairs"]}
    if isinstance(value, list):
        return [_restored(item, trusted) for item in value]
    return value
