"""Variational inference for latent-variable models, fast on millions of rows and one machine.

The map of the package, from the top down (docs/architecture.md has the contracts):

    cli         the `vivace` command: fit, predict, transform, score, topics, inspect, demo
    report      one page about a fitted model, in HTML
    plot        pictures of fitted models as matplotlib axes
    mixture, topics
                estimators with scikit-learn's manners: parameters, validation, fitted attributes
    models      a family and a weight model behind the engine's four functions
    families    the likelihood of one component: prior, posterior, normalisers
    engine      statistics, blocks and batches, threads, schedules, the run loop; knows no model
    io          the model file, tables and documents
    special     exp, log, digamma, exp_digamma, lgamma on NumPy arrays
    _core       compiled kernels, chosen for the processor at load

Names are loaded when they are first used, so that `import vivace` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivace import families, io, plot, report, special
    from vivace._config import show_config
    from vivace.engine import Checkpoint
    from vivace.io import load_model as load
    from vivace.mixture import (
        BayesianBernoulliMixture,
        BayesianCategoricalMixture,
        BayesianGaussianMixture,
        BayesianMixture,
        BayesianMultinomialMixture,
        BayesianPoissonMixture,
        BayesianStudentTMixture,
    )
    from vivace.topics import LatentDirichletAllocation

    __version__: str

# public name -> (module, attribute; None for the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "BayesianGaussianMixture": ("vivace.mixture", "BayesianGaussianMixture"),
    "LatentDirichletAllocation": ("vivace.topics", "LatentDirichletAllocation"),
    "BayesianBernoulliMixture": ("vivace.mixture", "BayesianBernoulliMixture"),
    "BayesianCategoricalMixture": ("vivace.mixture", "BayesianCategoricalMixture"),
    "BayesianMixture": ("vivace.mixture", "BayesianMixture"),
    "BayesianMultinomialMixture": ("vivace.mixture", "BayesianMultinomialMixture"),
    "BayesianPoissonMixture": ("vivace.mixture", "BayesianPoissonMixture"),
    "Checkpoint": ("vivace.engine", "Checkpoint"),
    "BayesianStudentTMixture": ("vivace.mixture", "BayesianStudentTMixture"),
    "families": ("vivace.families", None),
    "io": ("vivace.io", None),
    "load": ("vivace.io", "load_model"),
    "mixture": ("vivace.mixture", None),
    "plot": ("vivace.plot", None),
    "report": ("vivace.report", None),
    "show_config": ("vivace._config", "show_config"),
    "special": ("vivace.special", None),
    "topics": ("vivace.topics", None),
}

__all__ = [
    "BayesianBernoulliMixture",
    "BayesianCategoricalMixture",
    "BayesianGaussianMixture",
    "BayesianMixture",
    "BayesianMultinomialMixture",
    "BayesianPoissonMixture",
    "BayesianStudentTMixture",
    "Checkpoint",
    "LatentDirichletAllocation",
    "__version__",
    "families",
    "io",
    "load",
    "mixture",
    "plot",
    "report",
    "show_config",
    "special",
    "topics",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("vivace")
    elif name in _LAZY:
        module, attribute = _LAZY[name]
        value = importlib.import_module(module)
        if attribute is not None:
            value = getattr(value, attribute)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
