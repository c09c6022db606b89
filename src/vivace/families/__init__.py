"""Families: the likelihood of one component. `base` states the contract.

    FeatureFamily, GatherFamily     what a likelihood of your own derives from
    Bernoulli, Categorical, Exponential, Gamma, Gaussian, Multinomial, Normal, Poisson, StudentT
                                    built in; their arguments are prior hyper-parameters

Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivace.families.base import (
        ColumnError,
        Estimate,
        Family,
        FeatureFamily,
        GatherFamily,
        ImpossibleStatisticsError,
        MissingPieceError,
        NotFiniteError,
        Summary,
    )
    from vivace.families.bernoulli import Bernoulli
    from vivace.families.categorical import Categorical
    from vivace.families.correlated import Gaussian
    from vivace.families.multinomial import Multinomial
    from vivace.families.normal import Normal
    from vivace.families.rates import Exponential, Gamma, Poisson
    from vivace.families.student import StudentT

_LAZY = {
    **dict.fromkeys(
        (
            "ColumnError",
            "Estimate",
            "Family",
            "FeatureFamily",
            "GatherFamily",
            "ImpossibleStatisticsError",
            "MissingPieceError",
            "NotFiniteError",
            "Summary",
        ),
        "base",
    ),
    "Bernoulli": "bernoulli",
    "Categorical": "categorical",
    "Exponential": "rates",
    "Gamma": "rates",
    "Gaussian": "correlated",
    "Multinomial": "multinomial",
    "Normal": "normal",
    "Poisson": "rates",
    "StudentT": "student",
}

__all__ = [
    "Bernoulli",
    "Categorical",
    "ColumnError",
    "Estimate",
    "Exponential",
    "Family",
    "FeatureFamily",
    "Gamma",
    "GatherFamily",
    "Gaussian",
    "ImpossibleStatisticsError",
    "MissingPieceError",
    "Multinomial",
    "Normal",
    "NotFiniteError",
    "Poisson",
    "StudentT",
    "Summary",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
