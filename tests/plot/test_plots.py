"""Every picture: of every kind of model, on given axes and new ones, with names of any kind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from vivace import BayesianGaussianMixture, BayesianMixture, LatentDirichletAllocation, plot
from vivace.plot._canvas import plain
from vivace.plot._profiles import Profile, draw_profile

pd = pytest.importorskip("pandas")
pyplot = pytest.importorskip("matplotlib.pyplot")

RNG = np.random.default_rng(0)
NAMES = ["income $ in $1000$", "<b>&\"'", "a_b^2\\frac{1}{2}", "x" * 80]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    X = RNG.normal(size=(300, 4)) + 6.0 * RNG.integers(3, size=(300, 1)) * [1, 0, -1, 0.5]
    return pd.DataFrame(X, columns=NAMES)


@pytest.fixture(scope="module")
def mixture(rows: pd.DataFrame) -> BayesianGaussianMixture:
    return BayesianGaussianMixture(n_components=6, random_state=0).fit(rows)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    group = RNG.integers(2, size=400)
    frame = pd.DataFrame(
        {
            "age": RNG.normal(30.0 + 30.0 * group, 5.0),
            "visits": RNG.poisson(1 + 5 * group),
            "member": RNG.random(400) < 0.2 + 0.6 * group,
            "town": np.array([f"town {i}$" for i in range(12)])[
                RNG.integers(6, size=400) + 6 * group
            ],
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::5, "town"] = None
    return frame


@pytest.fixture(scope="module")
def table_mixture(table: pd.DataFrame) -> BayesianMixture:
    return BayesianMixture(n_components=4, random_state=0).fit(table)


@pytest.fixture(scope="module")
def lda() -> LatentDirichletAllocation:
    X = RNG.poisson(0.2, size=(200, 60)).astype(float)
    X[:100, :20] += 1
    return LatentDirichletAllocation(
        n_components=5, validation_fraction=0.1, random_state=0, max_iter=8
    ).fit(X)


def draw(ax: object) -> str:
    """The picture as text; every label is laid out."""
    import io

    file = io.StringIO()
    ax.figure.savefig(file, format="svg")  # type: ignore[attr-defined]
    return file.getvalue()


def test_every_function_is_listed_and_described() -> None:
    for name in plot.__all__:
        assert "Returns" in getattr(plot, name).__doc__


def test_pictures_of_a_gaussian_mixture(
    mixture: BayesianGaussianMixture, rows: pd.DataFrame
) -> None:
    ax = plot.plot_elbo(mixture, per=300)
    assert ax.get_ylabel() == "ELBO, nats a row"
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), mixture.elbo_trace_ / 300)
    draw(ax)
    for given in (None, rows, rows.to_numpy()):
        draw(plot.plot_mixture(mixture, None if given is None else rows, max_rows=100))
    draw(plot.plot_mixture(mixture, rows, columns=NAMES[:2]))
    draw(plot.plot_mixture(mixture, rows, columns=[0, 3]))
    draw(plot.plot_mixture(mixture, rows, columns=[NAMES[1]]))
    ax = plot.plot_sizes(mixture)
    assert len(ax.patches) == mixture.n_effective_components_
    draw(ax)
    axes = plot.plot_profiles(mixture)
    assert len(axes) == 4
    draw(axes[0])
    draw(plot.plot_responsibilities(mixture, rows))
    draw(plot.plot_densities(mixture, rows))


def test_pictures_of_a_table(table_mixture: BayesianMixture, table: pd.DataFrame) -> None:
    draw(plot.plot_mixture(table_mixture, table))  # one Gaussian column: densities
    draw(plot.plot_sizes(table_mixture))
    axes = plot.plot_profiles(table_mixture)
    assert {ax.get_title(loc="left") for ax in axes} == {"age", "visits", "member", "town"}
    draw(axes[0])
    draw(plot.plot_responsibilities(table_mixture, table))
    draw(plot.plot_densities(table_mixture, table))
    draw(plot.plot_elbo(table_mixture))


def test_levels_that_nobody_sees_have_no_entry() -> None:
    share = np.array([[0.6, 0.39, 0.006, 0.004], [0.2, 0.79, 0.003, 0.007]])
    names = ["a", "b", "rare", "rarer"]
    one = Profile(
        "town", "probability", np.arange(2), share, share, share, names, None, separation=1.0
    )

    def entries(one: Profile) -> list[str]:
        ax = pyplot.figure().subplots()
        draw_profile(ax, one)
        assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(2.0)
        return [text.get_text() for text in ax.get_legend().get_texts()]

    assert entries(one) == ["a", "b"]
    many = np.full((2, 50), 0.01)
    many[:, 0] += 0.5
    names = [f"l{i}" for i in range(50)]
    assert entries(replace(one, estimate=many, levels=names)) == ["l0", "others"]


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_tables_of_other_libraries(
    library: str, table_mixture: BayesianMixture, table: pd.DataFrame
) -> None:
    pytest.importorskip(library)
    if library == "polars":
        import polars

        given = polars.from_pandas(table)
    else:
        import pyarrow

        given = pyarrow.Table.from_pandas(table, preserve_index=False)
    draw(plot.plot_mixture(table_mixture, given, max_rows=50))
    draw(plot.plot_responsibilities(table_mixture, given))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_columns_are_found_by_name(
    library: str, mixture: BayesianGaussianMixture, rows: pd.DataFrame
) -> None:
    pytest.importorskip(library)
    more = rows[rows.columns[::-1]].assign(id="a")
    if library == "polars":
        import polars

        more = polars.from_pandas(more)
    elif library == "pyarrow":
        import pyarrow

        more = pyarrow.Table.from_pandas(more, preserve_index=False)
    found, expected = (plot.plot_mixture(mixture, given, max_rows=50) for given in (more, rows))
    a, b = (ax.collections[0].get_offsets() for ax in (found, expected))
    np.testing.assert_array_equal(a, b)
    heights = [
        [bar.get_height() for bar in plot.plot_responsibilities(mixture, given).patches]
        for given in (more, rows)
    ]
    assert heights[0] == heights[1]


def test_a_topic_model_is_no_mixture(lda: LatentDirichletAllocation) -> None:
    with pytest.raises(
        TypeError, match=r"expected a mixture of vivace, got vivace\.Latent.*plot_topics"
    ):
        plot.plot_mixture(lda)


def test_pictures_of_topics(lda: LatentDirichletAllocation) -> None:
    words = [f"w${i}$<" for i in range(60)]
    left, right = plot.plot_topics(lda, feature_names=words, n_words=10)
    assert len(left.patches) == 5
    text = draw(right)
    assert "w$" in text
    draw(plot.plot_terms(lda, 3, relevance=0.0))
    draw(plot.plot_sizes(lda))
    ax = plot.plot_held_out(lda)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), lda.validation_trace_)
    draw(ax)
    assert plot.plot_elbo(lda).get_ylabel() == "ELBO, nats"


def test_iterations_that_are_in_the_picture_are_not_told_to_lie_below() -> None:
    """A flat course is shown with so much room that its beginning is seen, too."""
    for first, told in [(-2.3872202, ""), (-2.5, "the first iterations lie below")]:
        seen = SimpleNamespace(validation_trace_=np.array([first] + [-2.3872193] * 11))
        assert plot.plot_held_out(seen).get_title("left") == told


def test_axes_that_are_given_are_drawn_on(
    mixture: BayesianGaussianMixture, rows: pd.DataFrame, lda: LatentDirichletAllocation
) -> None:
    figure, axes = pyplot.subplots(2, 3)
    one, two, three, four, five, six = axes.ravel()
    assert plot.plot_elbo(mixture, ax=one) is one
    assert plot.plot_mixture(mixture, ax=two) is two
    assert plot.plot_sizes(mixture, ax=three) is three
    assert plot.plot_responsibilities(mixture, rows, ax=four) is four
    assert plot.plot_terms(lda, 0, ax=five) is five
    assert plot.plot_profiles(mixture, columns=[NAMES[1]], axes=[six])[0] is six
    assert pyplot.get_fignums() == [figure.number]


def test_the_same_picture_twice(mixture: BayesianGaussianMixture, rows: pd.DataFrame) -> None:
    first, second = (plot.plot_mixture(mixture, rows, max_rows=50) for _ in range(2))
    a, b = (ax.collections[0].get_offsets() for ax in (first, second))
    np.testing.assert_array_equal(a, b)


def test_small_models() -> None:
    X = RNG.normal(size=(30, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = BayesianGaussianMixture(random_state=0).fit(X)
    draw(plot.plot_mixture(one, X))
    draw(plot.plot_sizes(one))
    draw(plot.plot_profiles(one)[0])
    draw(plot.plot_responsibilities(one, X))
    wide = BayesianGaussianMixture(random_state=0, max_iter=3000).fit(RNG.normal(size=(50, 3)))
    assert plot.plot_mixture(wide).get_xlabel().startswith("axis 1")
    lone = LatentDirichletAllocation(n_components=1, random_state=0).fit(RNG.poisson(1.0, (20, 5)))
    draw(plot.plot_topics(lone, n_words=3)[0])


def test_errors_say_what_to_do(
    mixture: BayesianGaussianMixture, lda: LatentDirichletAllocation
) -> None:
    with pytest.raises(ValueError, match="Remedy: validation_fraction"):
        plot.plot_held_out(mixture)
    with pytest.raises(ValueError, match="no Gaussian or Student-t column 'nope'"):
        plot.plot_mixture(mixture, columns=["nope", NAMES[0]])
    with pytest.raises(ValueError, match="one or two names"):
        plot.plot_mixture(mixture, columns=NAMES[:3])
    with pytest.raises(ValueError, match="there is no column"):
        plot.plot_profiles(mixture, columns=["nope"])
    with pytest.raises(ValueError, match="expected X"):
        plot.plot_responsibilities(mixture)
    with pytest.raises(ValueError, match="from 0 to 4"):
        plot.plot_terms(lda, 5)
    counts = BayesianMixture(families="poisson", random_state=0).fit(RNG.poisson(3.0, (20, 2)))
    with pytest.raises(ValueError, match="Remedy: plot_profiles"):
        plot.plot_mixture(counts)
    seen = LatentDirichletAllocation(n_components=2, random_state=0)
    seen.partial_fit(RNG.poisson(1.0, (20, 5)))
    with pytest.raises(ValueError, match="partial_fit"):
        plot.plot_elbo(seen)


def test_names_are_shown_as_they_are() -> None:
    assert plain("a$b$") == r"a\$b\$"
    assert plain("0.98\u00a0income") == "0.98\u00a0income"  # our own
    assert plain("two\nlines\x00") == "two\ufffdlines\ufffd"
    assert len(plain("y" * 100)) == 40
