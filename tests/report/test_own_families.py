"""Pages and pictures of mixtures with a user's own family that lacks pieces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner

from vivace import BayesianMixture
from vivace.cli.app import cli
from vivace.families import Family
from vivace.plot import plot_densities, plot_profiles
from vivace.report import make_report

matplotlib.use("Agg")
sys.path.append(str(Path(__file__).parent.parent / "mixed"))

import own_family


class Bare(own_family.Geometric):  # type: ignore[misc]
    """Fits, and says nothing else."""

    log_predictive = Family.log_predictive


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 400)
    p = np.where(group, 0.6, 0.05)
    return np.column_stack(
        [rng.geometric(p) - 1.0, rng.geometric(p) - 1.0, rng.normal(3 * group, 1.0)]
    )


def fitted(rows: np.ndarray, families: Any) -> BayesianMixture:
    return BayesianMixture(n_components=4, families=families, random_state=0, tol=1e-5).fit(rows)


def sentences(ax: Any) -> str:
    return " ".join(text.get_text() for text in ax.texts)


def test_a_page_says_what_is_lacking(rows: np.ndarray) -> None:
    model = fitted(rows, [(Bare(), [0, 1]), ("gaussian", [2])])
    page = make_report(model, rows)
    assert "Nothing is said of how usual rows are: family Bare lacks `log_predictive`" in page
    assert "x0, x1: no profile" in page
    assert "the family Bare lacks the method <code>describe</code>" in page
    assert "entropies of responsibilities" in page
    assert "most unusual rows" not in page
    assert "x2: mean by component" in page
    whole = make_report(fitted(rows, "gaussian"), rows)
    assert "lacks" not in whole
    assert "most unusual rows" in whole


def test_a_page_of_nothing_but_such_a_family(rows: np.ndarray) -> None:
    model = fitted(rows[:, :2], Bare())
    for data in (None, rows[:, :2]):
        page = make_report(model, data)
        assert "x0, x1: no profile" in page
        assert ("Nothing is said of how usual rows are" in page) == (data is not None)


def test_pictures(rows: np.ndarray) -> None:
    model = fitted(rows[:, :2], Bare())
    assert "family Bare lacks `log_predictive`" in sentences(plot_densities(model, rows[:, :2]))
    assert plot_profiles(model) == []
    with pytest.raises(ValueError, match=r"'x1': family Bare lacks `describe`"):
        plot_profiles(model, columns=["x1"])
    matplotlib.pyplot.close("all")


def test_from_the_command_line(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--trusted` loads the family; what it lacks is said in one line."""
    fitted(rows[:, :2], own_family.Geometric()).save(tmp_path / "own.vivace")
    np.save(tmp_path / "rows.npy", rows[:, :2])
    monkeypatch.chdir(tmp_path)
    report = ["report", "own.vivace", "--data", "rows.npy", "--out", "page.html"]
    refused = CliRunner().invoke(cli, report)
    assert refused.exit_code == 1
    assert "trusted" in refused.output
    done = CliRunner().invoke(cli, [*report, "--trusted", "own_family"])
    assert done.exit_code == 0, done.output
    assert "no profile" in Path("page.html").read_text("utf-8")
    monkeypatch.setattr(own_family.Geometric, "log_predictive", Family.log_predictive)
    failed = CliRunner().invoke(cli, ["score", "own.vivace", "rows.npy", "--trusted", "own_family"])
    assert failed.exit_code == 1
    assert "family Geometric lacks `log_predictive`, needed by score_samples" in failed.output
    assert "please report" not in failed.output
