"""Pages by what is in them: size, safety, structure, figures; no browser needed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_page import Page
from report_models import EVIL, topics

import vivace
from vivace import plot
from vivace.plot._rows import entropies
from vivace.plot._table import take
from vivace.plot._topics import topics_of
from vivace.report import make_report, write_report
from vivace.report._data import MOST_ROWS, row_sample
from vivace.report._format import count, fixed, measured, number, percent, percents, seconds, short
from vivace.report._svg import Figures
from vivace.report._topics import DETAILS, STEPS, payload, topics_page

LOADS = {
    "src",
    "href",
    "xlink:href",
    "action",
    "data",
    "poster",
    "srcset",
    "background",
    "formaction",
}


def test_a_page_is_whole_small_and_closed(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(page.read_bytes()) < 1_000_000
    found = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [tag for tag, a in found.tags if tag == "svg" and not a.get("aria-label")]
    assert not labels


def test_a_page_loads_nothing(page: Path) -> None:
    for tag, attributes in Page(page.read_text("utf-8")).tags:
        assert tag not in ("iframe", "object", "embed", "base", "form", "audio", "video")
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in LOADS:
                assert str(value).startswith(("data:", "#")), (tag, name, value)
            if name == "style":
                assert "url(" not in str(value).replace("url(#", "")
    assert "@import" not in page.read_text("utf-8")


def test_the_policy_allows_the_pages_own_script_only(page: Path) -> None:
    text = page.read_text("utf-8")
    found = Page(text)
    policy = next(
        a["content"] for t, a in found.tags if t == "meta" and a.get("http-equiv") is not None
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; ")
    scripts = [a for t, a in found.tags if t == "script"]
    if "topics" not in page.name:
        assert not scripts
        assert "script-src 'none'" in policy
        return
    assert scripts == [{"type": "application/json", "id": "topics-data"}, {}]
    code = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[-1]
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_names_of_users_are_text(page: Path) -> None:
    """What could be code is there, escaped, and nowhere as a tag."""
    text = page.read_text("utf-8")
    found = Page(text)
    assert "<img" not in text
    assert "<svg onload" not in text
    assert "1337" not in re.sub(r'data:image[^"]*|[-\d.]*\d{5,}[\d.]*', "", text)
    assert all(tag != "img" for tag, _ in found.tags)
    assert f"{page.stem.split('-')[0]} {EVIL[0]}" in found.texts["title"]
    assert "\x00" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["gaussian-data", "table-data"])
def test_what_a_page_about_a_mixture_tells(
    name: str, pages: dict[str, Path], models: dict[str, tuple[Any, Any]]
) -> None:
    model, rows = models[name.removesuffix("-data")]
    found = Page(pages[name].read_text("utf-8"))
    texts = [text for part in found.texts.values() for text in part]
    for wanted in (
        f"{model.n_effective_components_} of {model.n_components}",
        f"Judged by all {len(rows)} rows.",
        "The most unusual rows",
        "instruction set",
        "weight_concentration_prior",
    ):
        assert wanted in texts, wanted
    cells = found.texts["td"]
    strange = int(np.argmin(model.score_samples(rows)))
    assert f"{strange + 1:,}" in cells
    heaviest = int(np.argmax(model.weights_))
    assert str(heaviest) in cells
    assert percent(model.weights_[heaviest]) in cells


def test_ordinary_names_are_shown_as_they_are() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)) + 6.0 * rng.integers(3, size=(300, 1)) * np.eye(4)[0]
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["income", "tenure_years", "größe", "名前"])
    model = vivace.BayesianGaussianMixture(n_components=4, random_state=0).fit(frame)
    text = make_report(model, frame)
    assert "axis 1: " in text
    assert "\ufffd" not in text


def test_what_a_page_about_topics_tells(
    pages: dict[str, Path], models: dict[str, tuple[Any, Any]]
) -> None:
    lda, docs = models["topics"]
    found = Page(pages["topics-data"].read_text("utf-8"))
    cells = found.texts["td"]
    for words in lda.top_words(5, relevance=0.6):
        assert any(cell.startswith(" ".join(words[:3])) for cell in cells), words
    assert (
        fixed(lda.coherence(vivace.io.corpus_of_texts(docs, lda.vocabulary_, lda.tokenizer_))[0])
        in cells
    )
    quotes = found.texts["q"]
    assert len(quotes) == 9
    assert all(quote in {" ".join(doc.split()) for doc in docs} for quote in quotes)
    best = lda.transform(docs).argmax(axis=0)
    assert f"document {best[0] + 1}" in found.texts["b"]


def test_how_a_fit_of_topics_ended_is_told() -> None:
    for settings, state in (
        ({"validation_fraction": None, "max_iter": 2}, "passes"),
        ({"max_iter": 2, "perp_tol": 1e-12}, "passes, not converged"),
        ({"perp_tol": 1e9}, "passes, converged"),
    ):
        lda, docs = topics(**settings)
        texts = Page(make_report(lda, docs)).texts
        assert any(state == text.strip() for part in texts.values() for text in part), state


def test_a_page_about_collapsed_inference_is_as_complete(tmp_path: Path) -> None:
    """It has no bound: its likelihood stands in its place, and all else is there."""
    lda, docs = topics(inference="cvb0")
    lda.save(tmp_path / "m.vivace")
    write_report(tmp_path / "m.vivace", tmp_path / "m.html", docs)
    found = Page((tmp_path / "m.html").read_text("utf-8"))
    texts = [text for part in found.texts.values() for text in part]
    for wanted in (
        number(lda.log_likelihood_, 5),
        "nats a fitted token, predicted from the others",
        number(max(lda.validation_trace_), 5),
        "nats a held-out token, the best pass",
        "Each token of the fitted documents predicted from all others.",
        "Tokens that were held out, predicted from the rest of their documents.",
        "fingerprint of the data",
        "doc_topic_prior",
        "cvb0",
    ):
        assert wanted in texts, wanted
    assert not any("lower bound" in text for text in texts)
    assert len(found.texts["q"]) == 9
    assert fixed(lda.coherence(docs)[0]) in found.texts["td"]


def test_the_script_can_rank_words_at_every_step() -> None:
    """The words that the page holds of a topic are enough for the exact order at each step."""
    lda, _ = topics(n_components=4)
    p, share = topics_of(lda)
    names = [str(w) for w in lda.vocabulary_]
    overall = lda.components_.sum(axis=0) / lda.components_.sum()
    found = payload(p, share, overall, np.argsort(-share), 1000.0, names, 6)
    json.dumps(found, allow_nan=False)
    for topic in found["topics"]:
        for step in range(STEPS + 1):
            weight = step / STEPS
            log_p = np.log(topic["p"])
            scores = weight * log_p + (1 - weight) * (log_p - np.array(found["logp"])[topic["w"]])
            ranked = [found["words"][topic["w"][i]] for i in np.argsort(-scores)[:6]]
            exact = np.log(p[topic["k"]]) - (1 - weight) * np.log(overall)
            values = dict(zip(names, exact, strict=True))
            expected = sorted(exact, reverse=True)[:6]
            # Four digits are stored: words as good as equal may change places.
            np.testing.assert_allclose([values[word] for word in ranked], expected, atol=2e-3)


def test_pictures_are_made_small() -> None:
    """Points have a palette, and paths two digits; nothing else changes."""
    from PIL import Image

    def draw(ax: Any) -> None:
        ax.scatter(np.sin(np.arange(500.0)), np.arange(500.0), c="#2f7fb5", rasterized=True)
        ax.plot([0.0, 1.0], [0.0, 500.0 / 3.0])

    svg = str(Figures().draw(draw, "a label")["svg"])
    image = re.findall(r"data:image/png;base64,([^\"]*)", svg)[0]
    found = Image.open(io.BytesIO(base64.b64decode(image)))
    assert found.mode == "P"
    colours = found.convert("RGBA").getcolors()
    assert min(c[3] for _, c in colours) == 0  # the ground shows through
    solid = max(colours, key=lambda one: one[0] if one[1][3] > 200 else 0)[1]
    np.testing.assert_allclose(solid[:3], (0x2F, 0x7F, 0xB5), atol=12)
    for path in re.findall(r' d="([^"]*)"', svg):
        assert not re.search(r"\.\d{3}", path)


def test_large_models_stay_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 30)) + 8.0 * rng.integers(3, size=(4000, 30))
    wide = vivace.BayesianGaussianMixture(
        n_components=60,
        covariance_type="diag",
        random_state=0,
        max_iter=15,
        init_params="random_from_data",
    )
    with pytest.warns(vivace.mixture._fitting.ConvergenceWarning):
        wide.fit(X)
    assert len(make_report(wide, X).encode()) < 1_000_000
    counts = rng.poisson(0.05, size=(400, 3000)) + (rng.random((400, 3000)) < 0.01)
    many = vivace.LatentDirichletAllocation(n_components=150, max_iter=1, random_state=0)
    names = np.array([f"a rather long word number {i} {EVIL[0]}" for i in range(3000)])
    many.fit(counts.astype(float))
    text = make_report(many, counts.astype(float), vocabulary=names)
    assert len(text.encode()) < 1_000_000
    Page(text)
    # More topics on the map than in the table: with less detail these are two limits.
    for detail, (_, _, listed, _) in enumerate(DETAILS):
        content = topics_page(many, None, detail, names)
        assert len(content["topics"]) == min(150, listed)
        assert len(content["circles"]) + content["n_unmapped"] == 150
        assert all({"label", "number", "option"} <= set(one) for one in content["circles"])


def test_large_data_are_sampled_and_the_page_says_so(
    models: dict[str, tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rows = models["gaussian"]
    monkeypatch.setattr("vivace.report._write.MOST_ROWS", 100)
    text = make_report(model, rows, seed=7)
    assert "100 of 900 rows, drawn with seed 7" in text
    assert "of 100 rows" in Page(text).texts["th"]  # not "rows": they are not those of the data
    assert "rows" in Page(make_report(model, rows[:90])).texts["th"]
    assert text == make_report(model, rows, seed=7)
    assert text != make_report(model, rows, seed=8)
    lda, docs = models["topics"]
    monkeypatch.setattr("vivace.report._write.MOST_DOCUMENTS", 50)
    assert "50 of 180 documents, drawn with seed 0" in make_report(lda, docs)


def test_samples_of_streams(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    X = np.arange(3000.0).reshape(1000, 3)
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({f"x{j}": X[:, j] for j in range(3)}), path, row_group_size=130)
    stream = vivace.io.open_table(path)
    for most in (40, MOST_ROWS):
        here, there = row_sample(stream, most, 3), row_sample(X, most, 3)
        np.testing.assert_array_equal(here.rows, there.rows)
        np.testing.assert_array_equal(here.rows, X[here.numbers])
        assert here.n_rows == 1000


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_pages_and_pictures_of_tables_in_files(tmp_path: Path, suffix: str) -> None:
    """Texts, truth values and gaps of a stream are those of the table in memory."""
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=300)
    frame = pd.DataFrame(
        {
            "age": rng.normal(30.0 + 30.0 * group, 5.0),
            "visits": rng.poisson(1 + 5 * group),
            "member": rng.random(300) < 0.2 + 0.6 * group,
            "town": np.array(["york", "bath", "<ely>"], dtype=object)[rng.integers(3, size=300)],
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::5, "town"] = None
    path = tmp_path / f"t.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_csv(path, index=False)
    model = vivace.BayesianMixture(n_components=3, random_state=0).fit(frame)
    pages = [
        make_report(model, data) for data in (frame, path, str(path), vivace.io.open_frame(path))
    ]
    assert pages[1:] == [pages[0]] * 3
    stream = vivace.io.open_frame(path)
    some = take(stream, np.array([7, 3, 5]))
    assert some.column("town").to_pylist() == [frame["town"][7], frame["town"][3], None]
    assert some.column("visits").to_pylist() == frame["visits"][[7, 3, 5]].tolist()
    np.testing.assert_array_equal(entropies(model, stream), entropies(model, frame))
    plot.plot_mixture(model, stream, max_rows=20)
    lda, _ = topics()
    with pytest.raises(TypeError, match=r"got the path 'd\.txt'.*read_corpus"):
        make_report(lda, "d.txt")


@pytest.mark.parametrize("kind", ["partial", "one", "online", "cvb0", "sparse", "known"])
def test_models_of_all_kinds(kind: str) -> None:
    rng = np.random.default_rng(0)
    X: Any = rng.normal(size=(200, 2)) + 5.0 * rng.integers(2, size=(200, 1))
    model: Any
    if kind == "partial":
        model = vivace.BayesianGaussianMixture(n_components=2, random_state=0).partial_fit(X)
    elif kind == "one":
        X = X[:, :1]
        model = vivace.BayesianGaussianMixture(random_state=0).fit(X)
    elif kind == "online":
        model, _ = topics(learning_method="online", validation_fraction=None, max_iter=2)
        X = None
    elif kind == "cvb0":
        model, X = topics(inference="cvb0", validation_fraction=None, max_iter=5)
    elif kind == "sparse":
        from scipy.sparse import csr_array

        X = csr_array(rng.poisson(0.3, size=(200, 50)).astype(float))
        model = vivace.BayesianMultinomialMixture(n_components=3, random_state=0).fit(X)
    else:
        model = vivace.BayesianGaussianMixture(
            n_components=2, fixed_covariances=1.0, covariance_type="tied_spherical", random_state=0
        ).fit(X)
    Page(make_report(model, X))


def test_a_failure_leaves_the_old_page(tmp_path: Path, models: dict[str, tuple[Any, Any]]) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    model, _ = models["gaussian"]
    with pytest.raises(ValueError, match="features"):
        write_report(model, path, np.zeros((5, 3)))
    with pytest.raises(FileNotFoundError):
        write_report(tmp_path / "gone.vivace", path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(Exception, match="not fitted"):
        make_report(vivace.BayesianGaussianMixture())


def test_numbers_as_people_read_them() -> None:
    assert [number(x) for x in (0, 1234567.0, -0.00012345, 1e-7, 3.14159, float("nan"))] == [
        "0", "1,234,567", "\N{MINUS SIGN}0.0001234", "1.000·10⁻⁷", "3.142", "none",
    ]  # fmt: skip
    assert [percent(x) for x in (0.5, 1.0, 0.00001, 0.0123, 0.005, 0.0, 0.99996)] == [
        text.replace(" ", "\N{NO-BREAK SPACE}")
        for text in ("50.0 %", "100 %", "< 0.01 %", "1.2 %", "0.50 %", "0 %", "> 99.9 %")
    ]
    assert [seconds(x) for x in (0.001, 2.0, 150, 9000)] == [
        "1.0 ms",
        "2.0 s",
        "2 min 30 s",
        "2 h 30 min",
    ]
    assert fixed(-0.001) == "0.00"
    assert percents(0.1, 0.234) == "10.0 to 23.4 %".replace(" ", "\N{NO-BREAK SPACE}")
    assert percents(1e-9, 0.9) == "< 0.01 to 90.0 %".replace(" ", "\N{NO-BREAK SPACE}")
    assert [measured(x, 2.0) for x in (0.000132, 0.0724, 12.345, 4.0, 0.0)] == [
        "0", "0.07", "12.3", "4.00", "0",
    ]  # fmt: skip
    assert [measured(57811.0, s) for s in (2e4, 2e5, 1e9, 0.0)] == ["57,811"] * 2 + ["0", "57,811"]
    assert (count(12345.6), fixed(-0.123), short(np.zeros((3, 2))), short(0.5)) == (
        "12,346", "\N{MINUS SIGN}0.12", "array of shape 3 x 2", "0.5",
    )  # fmt: skip
