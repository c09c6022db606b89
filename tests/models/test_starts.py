"""Starting responsibilities do not depend on how rows are cut into blocks."""

import numpy as np
import pytest
from problems import TYPES, WEIGHTS, block, make_model, make_prior, responsibilities, scaling_of

from vivace.engine import Block
from vivace.models.starts import given_start, hard_start, random_start


def model_of(covariance_type, k=5, d=2, n=200):
    rng = np.random.default_rng(31)
    x = 5.0 + rng.normal(size=(n, d))
    prior = make_prior(rng, covariance_type, k, d)
    return x, make_model(prior, WEIGHTS["dirichlet"][0], k, scaling_of(x, covariance_type)), rng


def in_blocks(start, x, cuts):
    total = None
    for low, high in zip([0, *cuts], [*cuts, len(x)], strict=True):
        part = start(Block(x[low:high], None, low, high))
        total = part if total is None else total.add_(part)
    return total


@pytest.mark.parametrize("covariance_type", TYPES)
def test_starts_do_not_see_blocks(covariance_type):
    x, model, rng = model_of(covariance_type)
    centres = model.scaling.to_z(x[:5])
    for start in (
        hard_start(model, centres),
        random_start(model, 4),
        given_start(model, responsibilities(rng, len(x), 5)),
    ):
        one, many = in_blocks(start, x, []), in_blocks(start, x, [1, 7, 120])
        for name in one.names:
            np.testing.assert_allclose(many[name], one[name], rtol=1e-12, atol=1e-10)


def test_hard_start_takes_the_nearest_centre():
    x, model, _ = model_of("diag")
    centres = model.scaling.to_z(x[:5])
    statistics = hard_start(model, centres)(block(x))
    distance = ((model.scaling.to_z(x)[:, None] - centres) ** 2).sum(axis=2)
    counts = np.bincount(distance.argmin(axis=1), minlength=5)
    np.testing.assert_array_equal(statistics["suff"][:, 0], counts)
    np.testing.assert_array_equal(statistics["entropy"], 0.0)


def test_random_start_is_uniform_and_follows_its_seed():
    x, model, _ = model_of("diag", n=20_000)
    one, two, other = (random_start(model, seed)(block(x)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["suff"], two["suff"])
    assert (one["suff"] != other["suff"]).any()
    np.testing.assert_allclose(one["suff"][:, 0], 4000.0, rtol=0.03)


def test_shapes_are_checked():
    x, model, _ = model_of("full")
    with pytest.raises(ValueError, match="centres"):
        hard_start(model, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="resp"):
        given_start(model, np.zeros((len(x), 4)))
