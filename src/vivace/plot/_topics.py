"""Topics: a map of them, and the words of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from vivace.plot._canvas import FADED, INK, MAIN, grid, new_axes, new_figure, plain, readable_ticks
from vivace.plot._map import classical_scaling, log_relevance, middle_of, topic_distances
from vivace.plot._moments import named

Array = NDArray[np.float64]


def plot_topics(
    estimator: Any,
    *,
    topic: int | None = None,
    relevance: float = 0.6,
    n_words: int = 20,
    feature_names: Any = None,
    axes: Any = None,
) -> list[Any]:
    """Plot a map of the topics beside the words of one of them.

    On the map near topics have like words: Jensen-Shannon distances in two dimensions by classical
    scaling. The area of a circle is the topic's share of the tokens.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
        Fitted.
    topic : int, optional
        The topic whose words are shown; the largest if None.
    relevance, n_words, feature_names
        As in `plot_terms`.
    axes : two matplotlib Axes, optional
        For the map and the words; those of a new figure if None.

    Returns
    -------
    axes : list of two matplotlib Axes
    """
    p, share = topics_of(estimator)
    chosen = int(np.argmax(share)) if topic is None else topic
    if not 0 <= chosen < len(p):
        raise ValueError(f"topic must be from 0 to {len(p) - 1}, got {topic}")
    if axes is None:
        height = max(4.0, 0.9 + 0.2 * n_words)
        axes = new_figure(10.5, height, 2, width_ratios=[1.4, 1.0])
    left, right = axes
    points = classical_scaling(topic_distances(p))
    extent = middle_of(points)[1]
    # The largest circle reaches a tenth of the map's width.
    radius = 0.2 * extent * np.sqrt(share / share.max())
    _draw_map(left, points, radius, chosen)
    plot_terms(
        estimator, chosen, relevance=relevance, n_words=n_words, feature_names=feature_names,
        ax=right,
    )  # fmt: skip
    return [left, right]


def plot_terms(
    estimator: Any,
    topic: int,
    *,
    relevance: float = 0.6,
    n_words: int = 20,
    feature_names: Any = None,
    ax: Any = None,
) -> Any:
    """Plot the most relevant words of a topic: expected tokens in it, and in all topics.

    Parameters
    ----------
    estimator : LatentDirichletAllocation
        Fitted.
    topic : int
        Its number.
    relevance : float, default=0.6
        From 1, the most probable words, to 0, the most typical ones (Sievert and Shirley, 2014).
    n_words : int, default=20
        Words to show.
    feature_names : array-like of shape (n_words,), optional
        The vocabulary, for a model that does not know it.
    ax : matplotlib Axes, optional
        Axes to draw on; those of a new figure if None.

    Returns
    -------
    ax : matplotlib Axes
    """
    from matplotlib.transforms import offset_copy

    p, share = topics_of(estimator)
    if not 0 <= topic < len(p):
        raise ValueError(f"topic must be from 0 to {len(p) - 1}, got {topic}")
    if not 0.0 <= relevance <= 1.0:
        raise ValueError(f"relevance must lie from 0 to 1, got {relevance}")
    names = estimator._names(feature_names)
    tokens = float(np.sum(estimator.topic_sizes_))
    everywhere = share @ p
    scores = log_relevance(p[topic], overall_of(estimator), relevance)
    order = np.argsort(-scores, kind="stable")[:n_words]
    ax = new_axes(ax, 5.0, 0.9 + 0.2 * len(order))
    place = np.arange(len(order))
    ax.barh(
        place, tokens * everywhere[order], height=0.7, color=FADED, alpha=0.5, label="all topics"
    )
    own = tokens * share[topic] * p[topic, order]
    ax.barh(place, own, height=0.7, color=MAIN, label=f"topic {topic}")
    ax.set_yticks(place, [plain(names[w], 24) for w in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlabel("expected tokens")
    title = f"topic {topic}, {share[topic]:.1%} of the tokens (relevance {relevance:g})"
    ax.set_title(title, loc="left")
    below = offset_copy(ax.transAxes, ax.figure, y=-30, units="points")
    ax.legend(
        fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=below, frameon=False,
    )  # fmt: skip
    readable_ticks(ax.xaxis)
    grid(ax, "x")
    return ax


def topics_of(estimator: Any) -> tuple[Array, Array]:
    """Probabilities of words in topics, (K, V), and the topics' shares of the tokens, (K,)."""
    check_is_fitted(estimator)
    if not hasattr(type(estimator), "top_words"):
        raise TypeError(
            f"estimator: expected vivace.LatentDirichletAllocation, got {named(estimator)}. "
            "Remedy: plot_mixture, plot_profiles, plot_sizes, plot_responsibilities, "
            "plot_densities, plot_elbo and plot_held_out draw mixtures"
        )
    p = np.asarray(estimator.topic_word_, dtype=np.float64)
    sizes = np.asarray(estimator.topic_sizes_, dtype=np.float64)
    total = sizes.sum()
    share = sizes / total if total > 0 else np.full(len(sizes), 1.0 / len(sizes))
    return p / p.sum(axis=1, keepdims=True), share


def overall_of(estimator: Any) -> Array:
    """Probability of each word as `top_words` has it: by the topics' Dirichlet parameters."""
    total = np.asarray(estimator.components_, dtype=np.float64).sum(axis=0)
    return np.asarray(total / total.sum())


def _draw_map(ax: Any, points: Array, radius: Array, chosen: int) -> None:
    from matplotlib.patches import Circle

    for k in np.argsort(-radius, kind="stable"):
        # The chosen one lies above its neighbours, which show through.
        own, above = (MAIN, 2.0) if k == chosen else (FADED, 1.0)
        ax.add_patch(
            Circle(
                points[k], radius[k], facecolor=own, edgecolor=INK, alpha=0.55, linewidth=0.8,
                zorder=above,
            )
        )  # fmt: skip
        ax.text(*points[k], str(k), ha="center", va="center", fontsize="small", clip_on=True)
    (x, y), reach = middle_of(points)
    reach += 1.2 * float(radius.max())
    ax.set_xlim(x - reach, x + reach)
    ax.set_ylim(y - reach, y + reach)
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.axhline(0.0, color=FADED, linewidth=0.6, zorder=0)
    ax.axvline(0.0, color=FADED, linewidth=0.6, zorder=0)
    ax.set_xlabel("first principal coordinate")
    ax.set_ylabel("second principal coordinate")
    ax.set_title("topics: near ones have like words", loc="left")
