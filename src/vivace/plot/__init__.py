"""Pictures of fitted models as matplotlib axes.

Every function draws on the axes that it is given, or on new ones, and returns them. matplotlib
(``pip install 'vivace[plots]'``) is imported when a picture is drawn. `vivace report` puts the same
pictures on one page.
"""

from __future__ import annotations

from vivace.plot._mixture import plot_mixture
from vivace.plot._profiles import plot_profiles
from vivace.plot._rows import plot_densities, plot_responsibilities
from vivace.plot._sizes import plot_sizes
from vivace.plot._topics import plot_terms, plot_topics
from vivace.plot._trace import plot_elbo, plot_held_out

__all__ = [
    "plot_densities",
    "plot_elbo",
    "plot_held_out",
    "plot_mixture",
    "plot_profiles",
    "plot_responsibilities",
    "plot_sizes",
    "plot_terms",
    "plot_topics",
]
