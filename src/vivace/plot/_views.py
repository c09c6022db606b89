"""The plane that a mixture is looked at in: two columns, or two directions in which it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from vivace.plot._moments import Moments

Array = NDArray[np.float64]

#: Separations below this share of the first are rounding.
_NOTHING = 1e-9
#: Words of an axis label: the columns that weigh most, and no more than these.
_TERMS = 3
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class View:
    """Coordinates (x - centre) @ directions of rows x.

    Attributes
    ----------
    labels : list of str
        What the axes show; one or two.
    centre : (D,)
    directions : (D, 1 or 2)
    kind : {'columns', 'discriminant', 'principal'}
    """

    labels: list[str]
    centre: Array
    directions: Array
    kind: str

    def of(self, rows: Array) -> Array:
        """Coordinates of rows (n, D)."""
        return np.asarray((rows - self.centre) @ self.directions)

    def covariance(self, covariances: Array) -> Array:
        """Covariances of the coordinates, (..., 2, 2), from those of the columns."""
        return np.asarray(self.directions.T @ covariances @ self.directions)


def columns_view(found: Moments, columns: Sequence[int]) -> View:
    """Look at one or two columns, given by their places in `found`."""
    d = len(found.names)
    return View(
        [found.names[j] for j in columns], np.zeros(d), np.eye(d)[:, list(columns)], "columns"
    )


def separation(found: Moments) -> Array:
    """How far each column sets components apart, (D,), in nats: ln(total / within) / 2.

    Of the mutual information of column and component were both Gaussian.
    """
    within, between = _scatter(found)
    w, b = np.diagonal(within), np.diagonal(between)
    return np.asarray(0.5 * np.log1p(b / np.where(w > 0.0, w, 1.0)))


def best_view(found: Moments) -> View:
    """Choose the plane.

    Two columns are themselves. Of more: the two directions in which the means of the components lie
    farthest apart, measured in the spread inside components (Fisher's discriminants; Fisher 1936,
    Rao 1948). Where the means lie on a line, the second direction is the one in which covariances
    differ most, and failing that the one of the largest spread. A single component has its
    principal axes. Coordinates are in standard deviations inside components.
    """
    d = len(found.names)
    if d <= 2:
        return columns_view(found, range(d))
    within, between = _scatter(found)
    weights = found.weights / found.weights.sum()
    scale = np.sqrt(np.diagonal(within) + np.diagonal(between))
    scale[scale == 0.0] = 1.0
    within, between = within / np.outer(scale, scale), between / np.outer(scale, scale)
    within += 1e-12 * np.eye(d)
    values, vectors = eigh(between, within)  # vectors^T within vectors = 1, in rising order
    first = vectors[:, -1]
    kind = "discriminant"
    if values[-1] <= _NOTHING:
        kind = "principal"
        first, second = _widest(within, None), None
    elif values[-2] > 1e-6 * values[-1]:
        second = vectors[:, -2]
    else:
        second = _unequal(found.covariances / np.outer(scale, scale), weights, within, first)
    if second is None:
        second = _widest(within, first)
    directions = np.stack([_turned(first), _turned(second)], axis=1)
    labels = [f"axis {i + 1}: {_in_words(directions[:, i], found.names)}" for i in range(2)]
    return View(labels, weights @ found.means, directions / scale[:, None], kind)


def _scatter(found: Moments) -> tuple[Array, Array]:
    """Covariance inside components and of their means, (D, D) each."""
    weights = found.weights / found.weights.sum()
    within = np.einsum("k,kij->ij", weights, found.covariances)
    apart = found.means - weights @ found.means
    return within, np.asarray((weights[:, None] * apart).T @ apart)


def _unequal(covariances: Array, weights: Array, within: Array, first: Array) -> Array | None:
    """The direction, uncorrelated with `first`, in which covariances differ most; None if none."""
    lower = np.linalg.cholesky(within)
    inverse = np.linalg.inv(lower)
    white = inverse @ covariances @ inverse.T - np.eye(len(within))
    differ = np.einsum("k,kij,kjl->il", weights, white, white)
    u = lower.T @ first
    u /= np.linalg.norm(u)
    away = np.eye(len(within)) - np.outer(u, u)
    values, vectors = np.linalg.eigh(away @ differ @ away)
    if values[-1] <= _NOTHING:
        return None
    return np.asarray(inverse.T @ vectors[:, -1])


def _widest(within: Array, first: Array | None) -> Array:
    """The direction of the largest spread, uncorrelated with `first`, of unit spread."""
    d = len(within)
    if first is None:
        direction = np.linalg.eigh(within)[1][:, -1]
    else:
        beside = np.linalg.svd((within @ first)[None])[2][1:]  # a basis of what is uncorrelated
        direction = np.linalg.eigh(beside @ within @ beside.T)[1][:, -1] @ beside
    return np.asarray(direction / np.sqrt(direction @ within @ direction)).reshape(d)


def _turned(direction: Array) -> Array:
    """Of the two signs the one that makes the largest entry positive."""
    return np.asarray(direction * np.sign(direction[np.argmax(np.abs(direction))]))


def _in_words(direction: Array, names: list[str]) -> str:
    """A direction in standardised columns, such as "0.8 age - 0.6 income"."""
    unit = direction / np.linalg.norm(direction)
    order = np.argsort(-np.abs(unit), kind="stable")
    shown = [j for j in order[:_TERMS] if abs(unit[j]) > 0.1 * abs(unit[order[0]])]
    text = ""
    for i, j in enumerate(shown):
        sign = "\N{MINUS SIGN}" if unit[j] < 0 else "+"
        # Lines break before a sign, if at all.
        text += f"{f' {sign}{_SPACE}' if i else ''}{abs(unit[j]):.2f}{_SPACE}{names[j]}"
    left = np.abs(unit) > 0.1 * abs(unit[order[0]])
    return text + (f"{_SPACE}…" if left.sum() > len(shown) else "")
