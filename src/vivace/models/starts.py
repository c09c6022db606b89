"""Starting responsibilities, as functions from a block to its statistics (`engine.start`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from vivace.engine import Block, Statistics
from vivace.families.base import Array
from vivace.models.mixture import MixtureModel

Start = Callable[[Block], Statistics]


class Responsive(Protocol):
    """A model that makes statistics from given responsibilities."""

    n_components: int

    def given(self, block: Block, resp: Array) -> Statistics:
        """Statistics of rows with responsibilities (n, K)."""


def hard_start(model: MixtureModel, centres: Array) -> Start:
    """Every row belongs to its nearest centre (the first of equals).

    Parameters
    ----------
    model : MixtureModel
        What will be fitted.
    centres : (K, D)
        In z; distances are Euclidean in z.
    """
    centres = np.asarray(centres, dtype=np.float64)
    _check("centres", centres.shape, (model.n_components, len(model.scaling.centre)))
    # -|z - c|^2 / 2 but for the part that all centres share
    eta = np.column_stack([-0.5 * (centres**2).sum(axis=1), centres])
    return lambda block: model.accumulate(block, eta, mode="hard", score_kind="linear")[0]


def given_start(model: Responsive, resp: Array) -> Start:
    """Responsibilities given for every row of the source, (N, K); rows sum to one."""
    _check("resp", resp.shape, (resp.shape[0], model.n_components))

    def start(block: Block) -> Statistics:
        rows = np.ascontiguousarray(resp[block.start : block.stop], dtype=np.float64)
        return model.given(block, rows)

    return start


def random_start(model: Responsive, seed: int) -> Start:
    """Uniform numbers, normalised for each row, as scikit-learn's init_params="random".

    A counter-based generator is set to the row's position, so that the numbers depend on `seed`
    and the row alone, not on how rows are cut into blocks.
    """
    k = model.n_components
    draws = -(-k // 4)  # one step of the Philox counter makes four numbers

    def start(block: Block) -> Statistics:
        generator = np.random.Generator(np.random.Philox(key=seed, counter=block.start * draws))
        n = block.stop - block.start
        resp = 1.0 - generator.random((n, 4 * draws))[:, :k]  # in (0, 1]
        resp /= resp.sum(axis=1, keepdims=True)
        return model.given(block, np.ascontiguousarray(resp))

    return start


def _check(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        raise ValueError(f"{name} must have shape {expected}; got {shape}")
