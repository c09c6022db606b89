"""What pictures are drawn from: planes, ellipses, distances, rankings."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon, pdist, squareform
from scipy.stats import entropy

from vivace import BayesianGaussianMixture, BayesianMixture, LatentDirichletAllocation
from vivace.plot import _map
from vivace.plot._map import classical_scaling, log_relevance, topic_distances
from vivace.plot._mixture import ellipse
from vivace.plot._moments import Moments, moments
from vivace.plot._profiles import profiles
from vivace.plot._rows import entropies
from vivace.plot._topics import overall_of, topics_of
from vivace.plot._views import best_view, columns_view, separation

RNG = np.random.default_rng(0)


def made(k: int, d: int, seed: int = 0) -> Moments:
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, d, d))
    return Moments(
        np.arange(k), rng.dirichlet(np.ones(k)), list(range(d)), [f"c{j}" for j in range(d)],
        rng.normal(size=(k, d)) * 3, roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(d),
    )  # fmt: skip


def scaled(found: Moments, a: np.ndarray, b: np.ndarray) -> Moments:
    return Moments(
        found.components, found.weights, found.columns, found.names, found.means * a + b,
        found.covariances * np.outer(a, a),
    )  # fmt: skip


@pytest.mark.parametrize(("k", "d"), [(1, 3), (2, 3), (3, 4), (8, 6)])
def test_a_plane_measures_in_standard_deviations_inside_components(k: int, d: int) -> None:
    found = made(k, d)
    view = best_view(found)
    weights = found.weights / found.weights.sum()
    inside = np.einsum("k,kij->ij", weights, view.covariance(found.covariances))
    np.testing.assert_allclose(inside, np.eye(2), atol=1e-8)
    np.testing.assert_allclose(weights @ view.of(found.means), 0.0, atol=1e-9)
    assert view.kind == ("principal" if k == 1 else "discriminant")


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_plane_does_not_depend_on_units(k: int) -> None:
    found = made(k, 4)
    units = np.array([1e-3, 7.0, 1e4, 0.5])
    other = scaled(found, units, np.array([5.0, -3.0, 1e6, 0.0]))
    here, there = (best_view(one).of(one.means) for one in (found, other))
    np.testing.assert_allclose(here, there, atol=1e-5)


def test_the_first_direction_separates_most() -> None:
    found = made(5, 4)
    view = best_view(found)
    weights = found.weights / found.weights.sum()

    def ratio(direction: np.ndarray) -> float:
        means = found.means @ direction
        within = weights @ (direction @ found.covariances @ direction)
        return float(weights @ (means - weights @ means) ** 2 / within)

    best = ratio(view.directions[:, 0])
    assert best >= ratio(view.directions[:, 1])
    assert all(best >= ratio(RNG.normal(size=4)) for _ in range(300))


def test_means_on_a_line_show_unequal_covariances_beside_it() -> None:
    covariances = np.stack([np.diag([1.0, 1.0, 9.0]), np.diag([1.0, 1.0, 0.1])])
    found = Moments(
        np.arange(2), np.array([0.5, 0.5]), [0, 1, 2], list("abc"),
        np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]), covariances,
    )  # fmt: skip
    view = best_view(found)
    assert view.labels == ["axis 1: 1.00\N{NO-BREAK SPACE}a", "axis 2: 1.00\N{NO-BREAK SPACE}c"]


def test_tied_covariances_and_constant_columns_have_a_plane() -> None:
    tied = np.repeat(np.diag([1.0, 4.0, 0.0])[None], 2, axis=0)
    means = np.array([[0.0, 0.0, 1.0], [3.0, 0.0, 1.0]])
    found = Moments(np.arange(2), np.ones(2), [0, 1, 2], list("abc"), means, tied)
    view = best_view(found)
    assert np.isfinite(view.of(means)).all()
    assert view.labels[0] == "axis 1: 1.00\N{NO-BREAK SPACE}a"


def test_separation_of_columns() -> None:
    means = np.array([[-1.0, 0.0], [1.0, 0.0]])
    found = Moments(
        np.arange(2), np.ones(2), [0, 1], list("ab"), means, np.repeat(np.eye(2)[None], 2, 0)
    )
    np.testing.assert_allclose(separation(found), [0.5 * np.log(2.0), 0.0])


def test_an_ellipse_holds_its_share() -> None:
    matrix = np.array([[4.0, 1.5], [1.5, 1.0]])
    width, height, angle = ellipse(matrix, 0.95)
    turn = np.linspace(0.0, 6.0, 20)
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    line = np.stack([0.5 * width * np.cos(turn), 0.5 * height * np.sin(turn)], axis=1)
    line = line @ np.array([[c, s], [-s, c]])
    squares = np.einsum("ni,ij,nj->n", line, np.linalg.inv(matrix), line)
    np.testing.assert_allclose(squares, -2.0 * np.log(0.05))  # chi square with 2 degrees
    X = RNG.multivariate_normal([0, 0], matrix, 20_000)
    inside = np.einsum("ni,ij,nj->n", X, np.linalg.inv(matrix), X) < squares[0]
    assert abs(inside.mean() - 0.95) < 0.01


@pytest.mark.parametrize(
    "kind", ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]
)
def test_moments_of_every_covariance_type(kind: str) -> None:
    X = np.concatenate([RNG.normal(size=(200, 3)), RNG.normal(6, [1, 2, 3], (100, 3))])
    m = BayesianGaussianMixture(n_components=4, covariance_type=kind, random_state=0).fit(X)
    found = moments(m)
    order = found.components
    assert found.covariances.shape == (m.n_effective_components_, 3, 3)
    assert (np.diff(found.weights) <= 0).all()
    np.testing.assert_array_equal(found.means, m.means_[order])
    # A precision times its covariance is one.
    given = np.asarray(m.precisions_)
    for i, k in enumerate(order):
        one = {
            "full": lambda k=k: given[k],
            "tied": lambda: given,
            "diag": lambda k=k: np.diag(given[k]),
            "spherical": lambda k=k: given[k] * np.eye(3),
            "tied_diag": lambda: np.diag(given),
            "tied_spherical": lambda: given * np.eye(3),
        }[kind]()
        np.testing.assert_allclose(found.covariances[i] @ one, np.eye(3), atol=1e-6)


def table_mixture() -> tuple[BayesianMixture, np.ndarray]:
    n = 600
    group = RNG.choice(2, size=n)
    X = np.column_stack(
        [
            RNG.normal(10.0 * group, 1.0),
            RNG.poisson(1.0 + 8.0 * group),
            RNG.normal(100.0 - 50.0 * group, 5.0),
            RNG.normal(0.0, 1.0, n),
        ]
    )
    families = {"gaussian": [0, 2], "poisson": [1], "gaussian_diag": [3]}
    return BayesianMixture(n_components=3, families=families, random_state=0).fit(X), X


def test_moments_of_a_table_are_those_of_its_rows() -> None:
    m, X = table_mixture()
    found = moments(m)
    assert found.columns == [0, 2, 3]
    assert found.names == ["x0", "x2", "x3"]
    labels = m.predict(X)
    for i, k in enumerate(found.components):
        rows = X[labels == k][:, found.columns]
        np.testing.assert_allclose(found.means[i], rows.mean(axis=0), atol=0.5)
        spread = np.sqrt(np.diagonal(found.covariances[i]))
        np.testing.assert_allclose(spread, rows.std(axis=0), rtol=0.1)
        np.testing.assert_array_equal(found.covariances[i, :2, 2], 0.0)


def test_profiles_agree_with_the_estimator() -> None:
    m, _ = table_mixture()
    table = m.profiles()
    for one in profiles(m):
        j = int(one.column[1:])
        for i, k in enumerate(one.components):
            line = table[(table.component == k) & (table.column == j)].iloc[0]
            assert line.parameter == one.parameter
            assert line.estimate == one.estimate[i, 0]
            assert line.lower == one.lower[i, 0]
    assert profiles(m)[-1].column == "x3"  # says nothing


def test_entropies_are_those_of_the_responsibilities() -> None:
    m, X = table_mixture()
    np.testing.assert_allclose(entropies(m, X), entropy(m.predict_proba(X), axis=1), atol=1e-12)


def test_distances_are_jensen_shannon() -> None:
    p = RNG.dirichlet(np.full(30, 0.1), 6)
    p[0, :5] = 0.0
    p /= p.sum(axis=1, keepdims=True)
    found = topic_distances(p)
    for i in range(6):
        for j in range(6):
            expected = jensenshannon(p[i], p[j]) if i != j else 0.0
            assert found[i, j] == pytest.approx(expected, abs=1e-7)


def test_rare_words_together_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    p = RNG.dirichlet(np.full(5000, 0.01), 4)
    exact = topic_distances(p)
    monkeypatch.setattr(_map, "_LOGARITHMS", 0)
    fewer = topic_distances(p)
    assert (fewer <= exact + 1e-12).all()
    np.testing.assert_allclose(fewer, exact, atol=5e-3)


def test_classical_scaling_finds_points_in_a_plane() -> None:
    points = RNG.normal(size=(12, 2))
    distances = squareform(pdist(points))
    found = classical_scaling(distances)
    np.testing.assert_allclose(squareform(pdist(found)), distances, atol=1e-9)
    assert found[:, 0].std() >= found[:, 1].std()
    np.testing.assert_array_equal(classical_scaling(np.zeros((1, 1))), np.zeros((1, 2)))
    np.testing.assert_array_equal(classical_scaling(np.zeros((3, 3))), np.zeros((3, 2)))


@pytest.mark.parametrize("relevance", [0.0, 0.3, 1.0])
def test_relevance_ranks_as_top_words(relevance: float) -> None:
    X = RNG.poisson(0.3, size=(80, 40)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lda = LatentDirichletAllocation(n_components=4, random_state=0, max_iter=5).fit(X)
    p, share = topics_of(lda)
    assert share.sum() == pytest.approx(1.0)
    scores = log_relevance(p, overall_of(lda), relevance)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :8]
    assert order.tolist() == lda.top_words(8, relevance=relevance)


def test_columns_by_their_place() -> None:
    found = made(3, 4)
    view = columns_view(found, [2, 0])
    np.testing.assert_array_equal(view.of(found.means), found.means[:, [2, 0]])
    assert view.labels == ["c2", "c0"]
