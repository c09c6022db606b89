"""What sets a component apart: real differences are named, chance is not."""

from __future__ import annotations

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianMixture
from vivace.plot._profiles import Profile, profiles
from vivace.report._telling import telling

pd = pytest.importorskip("pandas")


def profile(
    value: np.ndarray, error: np.ndarray, levels: list[str] | None = None, **more: object
) -> Profile:
    """One column with intervals of so many standard errors' width."""
    value, error = (np.asarray(a, dtype=float).reshape(len(value), -1) for a in (value, error))
    given = {"parameter": "mean", "spread": np.ones(len(value)), **more}
    return Profile(
        "c", components=np.arange(len(value)), estimate=value, lower=value - 1.96 * error,
        upper=value + 1.96 * error, levels=levels, separation=0.0, **given,
    )  # type: ignore[arg-type]  # fmt: skip


def means(gap: float, error: float, spread: float = 1.0) -> list[str]:
    """What is said of the second of two components of equal weight."""
    one = profile([0.0, gap], [error, error], spread=np.array([1.0, spread]))
    return telling([one], 1, np.array([0.5, 0.5]))


def test_a_difference_must_be_clear_and_of_some_size() -> None:
    assert means(4.0, 0.1) == ["c 4.00\N{NO-BREAK SPACE}↑"]
    assert means(-4.0, 0.1) == ["c \N{MINUS SIGN}4.00\N{NO-BREAK SPACE}↓"]
    assert means(4.0, 1.0) == []  # two off the mean of both, half of four standard errors
    assert means(0.5, 1e-6) == []  # certain, and next to nothing: 0.03 nats a row
    assert means(4.0, np.nan) == means(4.0, np.inf) == []  # not known


def test_components_that_differ_in_spread_only() -> None:
    assert means(0.0, 0.01, 3.0) == ["c varies 1.3 times as much as in others"]
    assert means(0.0, 2.0, 3.0) == []  # a handful of rows
    assert means(0.0, 0.01, 1.2) == []
    assert means(4.0, 0.01, 3.0) == ["c 4.00\N{NO-BREAK SPACE}↑"]


def test_words_count_as_often_as_a_row_shows_them() -> None:
    words = {"parameter": "probability", "spread": None}
    one = profile([0.001, 0.02], [1e-5, 1e-4], **words)
    assert telling([one], 1, np.ones(2)) == []  # 0.006 nats a word
    found = telling([profile([0.001, 0.02], [1e-5, 1e-4], draws=40.0, **words)], 1, np.ones(2))
    assert found == ["c 2.0\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}↑"]


def test_summaries_of_documents_name_words() -> None:
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(300, 0.1), size=4)
    counts = np.array([rng.multinomial(40, topics[i % 4]) for i in range(800)])
    model = BayesianMixture(4, families="multinomial", random_state=0).fit(counts)
    found = profiles(model, 0.95)
    for k in range(4):
        assert len(telling(found, k, model.weights_[found[0].components])) == 3


def test_rare_levels_are_not_named_by_chance() -> None:
    share = np.array([[0.5, 0.5, 0.0], [0.9, 0.08, 0.02]])
    levels = {"levels": ["a", "b", "few"], "parameter": "probability", "spread": None}
    clear = profile(share, np.array([[0.01] * 3, [0.02] * 3]), **levels)
    assert telling([clear], 1, np.ones(2)) == ["c = a 90.0\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}↑"]
    unclear = profile(share, np.full((2, 3), 0.2), **levels)
    assert telling([unclear], 1, np.ones(2)) == []


@pytest.mark.parametrize("seed", range(3))
def test_components_of_one_cloud_with_idle_columns(seed: int) -> None:
    """Columns that know nothing of the groups are not among what sets a small group apart."""
    rng = np.random.default_rng(seed)
    group = (np.arange(400) >= 388).astype(int)  # the second has twelve rows
    X = {f"noise{j}": rng.normal(size=400) for j in range(20)}
    X |= {f"level{j}": np.array(list("abcdefgh"))[rng.integers(8, size=400)] for j in range(5)}
    table = pd.DataFrame({"signal": rng.normal(12.0 * group), **X})
    families = [("gaussian_diag", [c for c in table if not c.startswith("level")])]
    families += [("categorical", [c for c in table if c.startswith("level")])]
    mixture = BayesianMixture(n_components=2, families=families, random_state=0)
    mixture.fit(table, resp_init=np.eye(2)[group])
    said = telling(
        profiles(mixture), int(np.argmin(mixture.weights_)), np.sort(mixture.weights_)[::-1]
    )
    assert len(said) == 1 or mixture.n_effective_components_ == 1
    assert all(text.startswith("signal") for text in said)


def test_a_single_component_is_like_all_rows() -> None:
    mixture = BayesianGaussianMixture(random_state=0)
    mixture.fit(np.random.default_rng(0).normal(size=(200, 3)))
    assert telling(profiles(mixture), 0, np.ones(1)) == []
