"""From assigned columns and what a look at them found to the parts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.families.base import FeatureFamily, GatherFamily, NotFiniteError
from vivace.families.categorical import Categorical
from vivace.families.correlated import Gaussian
from vivace.families.student import StudentT
from vivace.mixture._assign import Assignment
from vivace.mixture._prior import make_weight_model
from vivace.mixture._table_look import Look
from vivace.models.mixed import MixedModel
from vivace.models.parts import (
    FeaturePart,
    FlagsPart,
    GatherPart,
    GaussianPart,
    LevelsPart,
    Part,
    SparsePart,
    StudentPart,
)
from vivace.models.scaling import Scaling

Array = NDArray[np.float64]


@dataclass
class PartPrior:
    """All that fit fixes of a part: what a model file holds of it.

    Attributes
    ----------
    prior : dict of arrays
        In the coordinates of the family.
    scaling : Scaling or None
    gaps : (U,) of bool
        Units that were missing in some row.
    feature_scale : array or None
        Typical sizes of features, for accelerated steps.
    sparse : bool
        Whether rows are compressed.
    """

    prior: dict[str, Array]
    scaling: Scaling | None
    gaps: NDArray[np.bool_]
    feature_scale: Array | None
    sparse: bool


@dataclass
class TablePrior:
    """Everything about a model over a table but the posterior.

    Attributes
    ----------
    weight_concentration : float
    assignments : list of Assignment
    parts : list of PartPrior
    """

    weight_concentration: float
    assignments: list[Assignment]
    parts: list[PartPrior]


def make_part_priors(
    assignments: Sequence[Assignment], looks: Sequence[Look], *, sparse: bool, every_gap: bool
) -> list[PartPrior]:
    """Make default priors of columns that were looked at."""
    found = []
    for one, seen in zip(assignments, looks, strict=True):
        family, summary = one.family, seen.summary
        scaling = None
        if family.standardised:
            scaling = Scaling.of_columns(summary.mean, summary.variance)
        units = family.units(len(one.columns))
        gaps = seen.gaps[:units] if units == len(seen.gaps) else np.full(units, seen.gaps.any())
        if not family.joint and units < len(seen.gaps):
            gaps = seen.gaps[:units]
        if every_gap and not sparse:
            gaps = np.ones(units, dtype=bool)
        scale = None
        if isinstance(family, FeatureFamily):
            scale = family.feature_scale(summary, len(one.columns))
        prior = {name: np.asarray(value) for name, value in family.prior(summary).items()}
        for value in prior.values():
            if np.isnan(value).any():
                raise NotFiniteError(family.name, "prior", value, one.labels)
        found.append(PartPrior(prior, scaling, gaps, scale, sparse))
    return found


def make_part(
    one: Assignment, fixed: PartPrior, n_components: int, gaps: NDArray[np.bool_] | None = None
) -> Part:
    """Put a part together; `gaps` are units that may be missing besides those of fit."""
    family, d = one.family, len(one.columns)
    allowed = fixed.gaps if gaps is None else fixed.gaps | gaps
    if isinstance(family, Gaussian):
        assert fixed.scaling is not None
        return GaussianPart(family, fixed.prior, d, fixed.scaling, bool(allowed.any()))
    if isinstance(family, Categorical):
        return LevelsPart(family, fixed.prior, d, n_components)
    if isinstance(family, StudentT):
        return StudentPart(family, fixed.prior, d, n_components, None, fixed.scaling)
    if isinstance(family, GatherFamily):
        return GatherPart(family, fixed.prior, d, n_components, None, fixed.scaling)
    if not isinstance(family, FeatureFamily):
        raise TypeError(f"family {family.name} derives from neither FeatureFamily nor GatherFamily")
    if fixed.sparse:
        return SparsePart(family, fixed.prior, d, n_components, fixed.feature_scale)
    kind = FlagsPart if family.flags else FeaturePart
    return kind(family, fixed.prior, d, allowed, fixed.scaling, fixed.feature_scale)


def make_table_model(
    parameters: dict[str, Any],
    prior: TablePrior,
    gaps: Sequence[NDArray[np.bool_] | None] | None = None,
) -> MixedModel:
    """Put family, weight model and coordinates of every part together."""
    k = parameters["n_components"]
    extra = [None] * len(prior.parts) if gaps is None else gaps
    parts = []
    for one, fixed, more in zip(prior.assignments, prior.parts, extra, strict=True):
        parts.append(make_part(one, fixed, k, more))
        parts[-1].labels = one.labels
    return MixedModel(parts, make_weight_model(parameters, prior.weight_concentration), k)
