"""The mixture's four functions against the slow reference, and what must hold of any mixture."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import (
    FIXED,
    TYPES,
    WEIGHTS,
    block,
    climb,
    make_model,
    make_prior,
    responsibilities,
    scaling_of,
)

from vivace.engine import Infeasible, Statistics
from vivace.families.kinds import KINDS, features, n_features
from vivace.models.mixture import SINGLE_TOLERANCE
from vivace.models.scaling import Scaling
from vivace.models.starts import given_start, hard_start


@st.composite
def problems(draw):
    """Clusters somewhere, a prior near them, responsibilities, row weights or none."""
    covariance_type, fixed = draw(st.sampled_from(TYPES)), draw(st.sampled_from(FIXED))
    name = draw(st.sampled_from(list(WEIGHTS)))
    n, k, d = draw(st.integers(3, 12)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    offset, size = rng.normal(size=d) * 10.0, 10.0 ** rng.uniform(-1, 1)
    x = offset + size * (rng.normal(size=(n, d)) + 3.0 * rng.integers(0, 2, size=(n, 1)))
    prior = make_prior(rng, covariance_type, k, d, fixed)
    prior.mean = offset + size * prior.mean
    prior.scale = prior.scale * size**2
    if prior.fixed_means is not None:
        prior.fixed_means = offset + size * prior.fixed_means
    if prior.fixed_covariances is not None:
        prior.fixed_covariances = prior.fixed_covariances * size**2
    w = rng.uniform(0.0, 3.0, size=n) if draw(st.booleans()) else None
    return prior, name, x, responsibilities(rng, n, k), w


def build(problem):
    prior, name, x, r, w = problem
    weight_model, reference = WEIGHTS[name]
    model = make_model(prior, weight_model, r.shape[1], scaling_of(x, prior.covariance_type))
    return model, reference, given_start(model, r)(block(x, w))


@given(problems())
@settings(max_examples=100)
def test_bound_and_map_match_the_reference(problem):
    prior, _, x, r, w = problem
    model, reference, statistics = build(problem)
    posterior = model.global_step(statistics, None)
    exact = naive.elbo(x, r, prior, reference, w)
    assert model.elbo(posterior, statistics) == pytest.approx(exact, rel=1e-9, abs=1e-7)
    trace, _, _ = climb(model, x, statistics, 3, w)
    expected, _ = naive.fit(x, r, prior, reference, 3, w)
    np.testing.assert_allclose(trace, expected, rtol=1e-8, atol=1e-6)


@given(problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_bound_is_exact_for_any_pair(problem, seed):
    """The posterior of other responsibilities: what online and memoized steps ask for."""
    prior, _, x, r, w = problem
    model, reference, statistics = build(problem)
    other = responsibilities(np.random.default_rng(seed), len(x), r.shape[1])
    made_from = given_start(model, other)(block(x, w))
    bound = model.elbo(model.global_step(made_from, None), statistics)
    exact = naive.elbo(x, r, prior, reference, w, made_from=other)
    assert bound == pytest.approx(exact, rel=1e-8, abs=1e-6)
    own = model.elbo(model.global_step(statistics, None), statistics)
    assert bound <= own + 1e-7 * abs(own) + 1e-7  # the conjugate update is the best there is


@given(problems(), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_coordinates_do_not_matter(problem, seed):
    """The same model in other standardised coordinates has the same bounds."""
    prior, name, x, r, w = problem
    model, _, statistics = build(problem)
    rng = np.random.default_rng(seed)
    size = model.scaling.scale * 10.0 ** rng.uniform(-1, 1)
    shifted = Scaling(model.scaling.centre + rng.normal() * size, size)
    other = make_model(prior, WEIGHTS[name][0], r.shape[1], shifted)
    one, _, _ = climb(model, x, statistics, 3, w)
    two, _, _ = climb(other, x, given_start(other, r)(block(x, w)), 3, w)
    np.testing.assert_allclose(one, two, rtol=1e-8, atol=1e-6)


@given(problems())
@settings(max_examples=30)
def test_bound_never_falls(problem):
    _, _, x, _, w = problem
    model, _, statistics = build(problem)
    trace, _, _ = climb(model, x, statistics, 20, w)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[:-1]) - 1e-9).all()


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_envelope_identity(covariance_type, name):
    """d (bound - entropy) / d r_nk = w_n x log joint, by central differences."""
    rng = np.random.default_rng(2)
    prior, x, w = make_prior(rng, covariance_type, 2, 2), rng.normal(size=(4, 2)), np.arange(1.0, 5)
    model = make_model(prior, WEIGHTS[name][0], 2, scaling_of(x, covariance_type))
    r, h = responsibilities(rng, 4, 2) + 0.05, 1e-5

    def bound(r):
        statistics = given_start(model, r)(block(x, w))
        if model.family.n_shared:  # rows of r no longer sum to one, the shared part must follow
            z = model.scaling.to_z(x)
            shared = (w * r.sum(axis=1)) @ naive.features(z, model.family.shared_kind)
            statistics["shared"][:] = shared
        posterior = model.global_step(statistics, None)
        return model.elbo(posterior, statistics) - statistics["entropy"].sum(), posterior

    _, posterior = bound(r)
    z = model.scaling.to_z(x)
    scores = naive.features(z, model.family.score_kind) @ posterior.eta.T
    if model.family.n_shared:
        shared = naive.features(z, model.family.shared_kind) @ posterior.eta_shared
        scores += shared[:, None]
    for n in range(4):
        for k in range(2):
            step = np.zeros_like(r)
            step[n, k] = h
            slope = (bound(r + step)[0] - bound(r - step)[0]) / (2 * h)
            assert slope == pytest.approx(w[n] * scores[n, k], rel=1e-7, abs=1e-6)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_one_component_reaches_the_evidence(covariance_type):
    rng = np.random.default_rng(1)
    x = 50.0 + 3.0 * rng.normal(size=(10, 2))
    prior = make_prior(rng, covariance_type, 1, 2)
    chain = naive.log_marginal(x, [0] * 10, prior, 1)
    model = make_model(prior, WEIGHTS["dirichlet"][0], 1, scaling_of(x, covariance_type))
    trace, _, _ = climb(model, x, given_start(model, np.ones((10, 1)))(block(x)), 1)
    assert trace[0] == pytest.approx(chain, rel=1e-12)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("covariance_type", TYPES)
def test_bound_stays_below_the_evidence(covariance_type, name):
    rng = np.random.default_rng(8)
    weight_model, reference = WEIGHTS[name]
    for gap in (0.0, 2.0):
        x = rng.normal(size=(6, 1)) + gap * np.repeat([-1.0, 1.0], 3)[:, None]
        prior = make_prior(rng, covariance_type, 2, 1)
        evidence = naive.log_evidence(x, 2, prior, reference)
        model = make_model(prior, weight_model, 2, scaling_of(x, covariance_type))
        r = responsibilities(rng, 6, 2)
        trace, _, _ = climb(model, x, given_start(model, r)(block(x)), 30)
        assert trace[-1] <= evidence + 1e-12


@pytest.mark.parametrize("covariance_type", TYPES)
def test_bound_is_tight_for_clusters_that_nobody_confuses(covariance_type):
    """One labelling holds all the mass, but for its mirror image: evidence = bound + ln 2!."""
    rng = np.random.default_rng(9)
    x = 0.1 * rng.normal(size=(6, 1)) + np.repeat([-40.0, 40.0], 3)[:, None]
    prior = naive.Prior(covariance_type, np.zeros(1), 1e-3, 10.0, 0.1)
    prior.scale = np.full({"full": (1, 1), "spherical": ()}.get(prior.shape, (1,)), 0.1)
    model = make_model(prior, WEIGHTS["dirichlet"][0], 2, scaling_of(x, covariance_type))
    start = hard_start(model, model.scaling.to_z(np.array([[-40.0], [40.0]])))
    trace, _, _ = climb(model, x, start(block(x)), 5)
    evidence = naive.log_evidence(x, 2, prior, WEIGHTS["dirichlet"][1])
    assert trace[-1] + np.log(2.0) == pytest.approx(evidence, abs=1e-6)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_weights_are_repetition_and_order_does_not_matter(covariance_type):
    rng = np.random.default_rng(10)
    x, r = rng.normal(size=(20, 2)), responsibilities(rng, 20, 3)
    prior, scaling = make_prior(rng, covariance_type, 3, 2), scaling_of(x, covariance_type)
    w = rng.integers(0, 4, size=20)

    def trace(rows, columns, w=None, name="dirichlet"):
        model = make_model(prior, WEIGHTS[name][0], 3, scaling)
        statistics = given_start(model, r[rows][:, columns])(block(x[rows], w))
        return climb(model, x[rows], statistics, 10, w)[0]

    weighted = trace(np.arange(20), [0, 1, 2], w.astype(float))
    repeated = trace(np.repeat(np.arange(20), w), [0, 1, 2])
    np.testing.assert_allclose(weighted, repeated, rtol=1e-11)
    plain = trace(np.arange(20), [0, 1, 2])
    np.testing.assert_allclose(trace(rng.permutation(20), [0, 1, 2]), plain, rtol=1e-11)
    np.testing.assert_allclose(trace(np.arange(20), [2, 0, 1]), plain, rtol=1e-11)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_far_clusters_and_offsets_come_out_right(covariance_type):
    """Offset 1e8 with unit spread; clusters 1e5 standard deviations apart."""
    rng = np.random.default_rng(12)
    n, d = 400, 2
    labels = np.repeat([0, 1], n // 2)
    for offset, apart, tol in ((1e8, 30.0, 1e-6), (0.0, 1e5, 1e-4)):
        noise = rng.normal(size=(n, d))
        x = offset + noise + apart * labels[:, None]
        noise = x - offset - apart * labels[:, None]  # as the rounded x holds it
        scale = {"full": np.eye(d), "diag": np.ones(d), "spherical": 1.0}
        prior = naive.Prior(covariance_type, x.mean(axis=0), 1e-12, d + 1.0, None)
        prior.scale = scale[prior.shape]
        model = make_model(prior, WEIGHTS["dirichlet"][0], 2, scaling_of(x, covariance_type))
        centres = offset + apart * np.array([[0.0] * d, [1.0] * d])
        start = hard_start(model, model.scaling.to_z(centres))
        _, posterior, _ = climb(model, x, start(block(x)), 3)
        found = model.scaling.covariances_from_z(posterior.gaussian.scale, covariance_type)
        near = naive.Prior(covariance_type, noise.mean(axis=0), 1e-12, d + 1.0, prior.scale)
        exact = naive.update(noise, np.eye(2)[labels], near)
        found = naive.matrices(found, covariance_type, 2, d)
        np.testing.assert_allclose(found, exact.scale, rtol=tol, atol=tol * exact.scale.max())
        means = model.scaling.from_z(posterior.gaussian.means)
        np.testing.assert_allclose(
            means - offset - apart * np.arange(2)[:, None], exact.means, atol=1e-5
        )


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("thin", [1.0, 1e-3, 1e-5])
def test_nearly_collinear_columns_cost_no_accuracy(covariance_type, thin):
    """Any invertible linear map of the data moves the bound by its determinant and no more."""
    rng = np.random.default_rng(14)
    n, d = 300, 3
    x = rng.normal(size=(n, d)) + 2.0 * rng.integers(0, 2, size=(n, 1))
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    mix = turn @ np.diag([1.0, 1.0, thin]) @ turn.T
    traces = []
    for a in (np.eye(d), mix):
        y = x @ a
        prior = naive.Prior(covariance_type, y.mean(axis=0), 0.5, d + 1.0, a @ np.cov(x.T) @ a)
        model = make_model(prior, WEIGHTS["dirichlet"][0], 2, scaling_of(y, covariance_type))
        r = responsibilities(np.random.default_rng(0), n, 2)
        traces.append(climb(model, y, given_start(model, r)(block(y)), 20)[0])
    jacobian = n * np.linalg.slogdet(mix)[1]
    # squares hold the thin direction to eps / thin^2 of itself; nothing worse may happen to it
    tol = 1e-9 + 1e-15 * n / thin**2
    np.testing.assert_allclose(traces[1] + jacobian, traces[0], rtol=0, atol=tol)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "tied"])
@pytest.mark.parametrize(("apart", "single"), [(3.0, True), (20.0, True), (1e4, False)])
def test_float32_arithmetic_gives_way_when_it_would_lose_digits(covariance_type, apart, single):
    rng = np.random.default_rng(13)
    labels = np.repeat([0, 1, 2], 200)
    x = (rng.normal(size=(600, 4)) + apart * labels[:, None]).astype(np.float32)
    prior = make_prior(rng, covariance_type, 3, 4)
    prior.mean_precision = 1e-9
    model = make_model(prior, WEIGHTS["dirichlet"][0], 3, scaling_of(x, covariance_type), True)
    centres = x[[0, 200, 400]].astype(float)
    statistics = hard_start(model, model.scaling.to_z(centres))(block(x))
    prepared = model.prepare(model.global_step(statistics, None))
    assert prepared.single is single
    fast, _, _ = climb(model, x, statistics, 5)
    exact, _, _ = climb(model, x.astype(float), statistics, 5)  # float64 rows: float64 arithmetic
    # rounding of a score reaches the bound through the moments as well, averaged over rows
    np.testing.assert_allclose(fast, exact, atol=600 * SINGLE_TOLERANCE / 30, rtol=0)


def test_impossible_statistics_are_infeasible():
    model = make_model(
        make_prior(np.random.default_rng(0), "diag", 2, 1),
        WEIGHTS["dirichlet"][0], 2, Scaling(np.zeros(1), np.ones(1)),
    )  # fmt: skip
    statistics = model.zero_statistics()
    statistics["suff"][:] = [[-5.0, 0.0, 1.0], [6.0, 0.0, 1.0]]
    with pytest.raises(Infeasible, match="component 0"):
        model.global_step(statistics, None)


@pytest.mark.parametrize("covariance_type", TYPES)
def test_no_rows_give_the_prior_and_a_bound_of_zero(covariance_type):
    prior = make_prior(np.random.default_rng(0), covariance_type, 3, 2)
    model = make_model(prior, WEIGHTS["pitman_yor"][0], 3, Scaling(np.ones(2), np.full(2, 2.0)))
    statistics = model.zero_statistics()
    assert isinstance(statistics, Statistics)
    posterior = model.global_step(statistics, None)
    assert model.elbo(posterior, statistics) == pytest.approx(0.0, abs=1e-12)
    means = model.scaling.from_z(posterior.gaussian.means)
    np.testing.assert_allclose(means, np.broadcast_to(prior.mean, (3, 2)))


def test_the_record_has_what_the_contract_says():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 3))
    for covariance_type in TYPES:
        prior = make_prior(rng, covariance_type, 2, 3)
        model = make_model(prior, WEIGHTS["dirichlet"][0], 2, scaling_of(x, covariance_type))
        statistics = given_start(model, responsibilities(rng, 9, 2))(block(x))
        assert statistics["suff"].shape == (2, model.family.n_features)
        assert statistics["weight"] == 9.0
        assert statistics.axes["suff"] == statistics.axes["entropy"] == 0
        assert ("shared" in statistics) == prior.tied
        assert model.zero_statistics().names == statistics.names
        steps = model.standardised(statistics)
        assert steps.shape == (2 * model.family.n_features,)
        assert steps.reshape(2, -1)[:, 0].sum() == pytest.approx(1.0)


@given(st.integers(1, 2000), st.integers(1, 100), st.sampled_from(TYPES))
@settings(max_examples=40)
def test_blocks_follow_from_shapes_alone(k, d, covariance_type):
    prior = make_prior(np.random.default_rng(0), covariance_type, 1, d)
    model = make_model(prior, WEIGHTS["dirichlet"][0], k, Scaling(np.zeros(d), np.ones(d)))
    rows = model.block_rows()
    assert 2048 <= rows <= 131072
    assert rows % 1024 == 0


def test_feature_kinds_count_what_they_hold():
    z = np.random.default_rng(0).normal(size=(2, 5))
    for kind in KINDS:
        np.testing.assert_array_equal(features(z, kind), naive.features(z, kind))
        assert features(z, kind).shape[1] == n_features(kind, 5)
    with pytest.raises(ValueError, match="kind"):
        n_features("cubic", 5)
