"""Model files of every estimator, kept in the repository: each format version must stay readable.

`python tests/golden.py` writes those of today's format that are not yet there into
tests/golden/format-<version>, with what the models say of fixed rows in expected.json. Files of a
version that was released are never made again: what they hold must be read for good, or the version
of the format be raised.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import golden_family
import numpy as np

import vivace
from vivace import families
from vivace.io.model_file import FORMAT_VERSION, load_model, save_model

FOLDER = Path(__file__).resolve().parent / "golden"
#: What may be imported: one file holds a family of a user's own.
TRUSTED = ["golden_family"]
TYPES = ["full", "tied", "diag", "spherical", "tied_diag", "tied_spherical"]


def numbers(n: int = 60) -> np.ndarray:
    """Rows of two columns in two groups; the same on every system."""
    turn = np.arange(n, dtype=np.float64)
    X = np.column_stack([np.sin(1.7 * turn), np.cos(2.3 * turn) + 0.1 * np.sin(turn)])
    X[::2] += [6.0, -4.0]
    return X


def counts(n: int = 60, d: int = 3) -> np.ndarray:
    base = np.abs(np.sin(1.3 * np.arange(n * d))).reshape(n, d)
    base[::2] *= 5.0
    return np.floor(3.0 * base)


def words(n: int = 40, d: int = 12) -> np.ndarray:
    X = np.floor(3.0 * np.abs(np.sin(0.7 * np.arange(n * d)))).reshape(n, d)
    X[::2, : d // 2] = 0.0
    X[1::2, d // 2 :] = 0.0
    X[:, 0] += 1.0
    return X


def mixed(n: int = 60) -> Any:
    import pandas as pd

    x, c = numbers(n), counts(n)
    frame = pd.DataFrame(
        {
            "x": x[:, 0],
            "y": x[:, 1],
            "t": x[:, 0] * 3.0 + 1.0,
            "n": c[:, 0],
            "flag": np.arange(n) % 3 == 0,
            "town": np.array(["a", "b", "<c>"], dtype=object)[np.arange(n) % 3],
            "wait": 1.0 + c[:, 1],
            "gap": 0.5 + c[:, 2],
        }
    )
    frame.loc[::7, "x"] = np.nan
    frame.loc[::5, "town"] = None
    return frame


def _table() -> Any:
    given = [
        (families.Gaussian(), ["x", "y"]),
        (families.Normal(mean_precision=0.5), ["t"]),
        (families.Poisson(), ["n"]),
        (families.Bernoulli(), ["flag"]),
        (families.Categorical(), ["town"]),
        (families.Gamma(shape=2.0), ["wait"]),
        (families.Exponential(), ["gap"]),
    ]
    return vivace.BayesianMixture(n_components=3, families=given, random_state=0).fit(mixed())


def _gaussian(**more: Any) -> Callable[[], Any]:
    settings = {"n_components": 3, "random_state": 0, "max_iter": 200, **more}
    return lambda: vivace.BayesianGaussianMixture(**settings).fit(numbers())


def _one(family: str, X: Callable[[], np.ndarray]) -> Callable[[], Any]:
    return lambda: vivace.BayesianMixture(n_components=3, families=family, random_state=0).fit(X())


def _mixture(X: Callable[[], Any], **more: Any) -> Callable[[], Any]:
    settings = {"n_components": 2, "random_state": 0, **more}
    return lambda: vivace.BayesianMixture(**settings).fit(X())


def _lda(**more: Any) -> Callable[[], Any]:
    settings = {"n_components": 3, "random_state": np.random.RandomState(3), "max_iter": 5, **more}
    return lambda: vivace.LatentDirichletAllocation(**settings).fit(words())


def _lda_of(X: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: vivace.LatentDirichletAllocation(2, random_state=0, max_iter=3).fit(X())


def _named_words() -> Any:
    import pandas as pd

    X = words()
    return pd.DataFrame(X, columns=[f"word {j} <b>" for j in range(X.shape[1])])


def _sparse() -> Any:
    import scipy.sparse

    return scipy.sparse.csr_array(counts())


def _hours(n: int = 60) -> Any:
    """Counts in hours of their own, and columns for families that occur twice."""
    table = mixed(n)[["x", "y", "t", "n", "town"]]
    table["z"] = -table["y"]
    return table.assign(hours=1.0 + np.arange(n) % 4)


def _texts() -> Any:
    corpus = vivace.io.corpus_of_texts(
        ["rain wind rain", "bank stock", "wind sun <b>", "stock price"] * 5
    )
    return vivace.LatentDirichletAllocation(n_components=2, random_state=0, max_iter=5).fit(corpus)


def _gaps() -> np.ndarray:
    X = numbers()
    X[::7, 0] = np.nan
    return X


def _gaussian_with_gaps(kind: str) -> Callable[[], Any]:
    return lambda: vivace.BayesianGaussianMixture(
        n_components=2, covariance_type=kind, missing="marginalize", random_state=0
    ).fit(_gaps())


def _flags() -> np.ndarray:
    return np.asarray(counts() > 4.0, dtype=np.float64)


def _levels() -> np.ndarray:
    return np.array([["a", "b", "c"][int(v) % 3] for v in counts()[:, 0]], dtype=object)[:, None]


#: Name of the file: how the model is fitted, and rows to apply it to.
MODELS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    **{f"gaussian-{kind}": (_gaussian(covariance_type=kind), numbers) for kind in TYPES},
    "gaussian-float32": (
        lambda: vivace.BayesianGaussianMixture(n_components=2, random_state=0).fit(
            numbers().astype(np.float32)
        ),
        lambda: numbers().astype(np.float32),
    ),
    "gaussian-dirichlet": (
        _gaussian(weight_concentration_prior_type="dirichlet_distribution"),
        numbers,
    ),
    "gaussian-pitman-yor": (_gaussian(weight_concentration_prior_type="pitman_yor"), numbers),
    "gaussian-known": (
        _gaussian(
            n_components=2,
            fixed_means=[[6.0, -4.0], [0.0, 0.0]],
            fixed_covariances=np.stack([np.eye(2)] * 2),
        ),
        numbers,
    ),
    "gaussian-gaps": (_gaussian_with_gaps("full"), _gaps),
    **{f"gaussian-gaps-{kind}": (_gaussian_with_gaps(kind), _gaps) for kind in TYPES[1:]},
    "gaussian-held-out": (_gaussian(validation_fraction=0.2), numbers),
    "gaussian-memoized": (_gaussian(learning_method="memoized", batch_size=20), numbers),
    "gaussian-online": (_gaussian(learning_method="online", batch_size=20, max_iter=5), numbers),
    "gaussian-given": (
        _gaussian(
            n_components=2,
            mean_prior=[0.0, 1.0],
            covariance_prior=np.eye(2),
            means_init=[[6.0, -4.0], [0.0, 0.0]],
        ),
        numbers,
    ),
    "gaussian-weights": (
        lambda: vivace.BayesianGaussianMixture(n_components=2, random_state=0).fit(
            numbers(), sample_weight=1.0 + np.arange(60) % 3
        ),
        numbers,
    ),
    "gaussian-partial": (
        lambda: vivace.BayesianGaussianMixture(n_components=2, random_state=0)
        .partial_fit(numbers())
        .partial_fit(numbers()),
        numbers,
    ),
    "mixture-all": (_table, mixed),
    "mixture-gaussian": (_one("gaussian", numbers), numbers),
    "mixture-gaussian_diag": (_one("gaussian_diag", numbers), numbers),
    "mixture-student_t": (_one("student_t", numbers), numbers),
    "mixture-poisson": (_one("poisson", counts), counts),
    "mixture-bernoulli": (_one("bernoulli", _flags), _flags),
    "mixture-categorical": (_one("categorical", _levels), _levels),
    "mixture-multinomial": (_one("multinomial", counts), counts),
    "mixture-gamma": (_one("gamma", lambda: 1.0 + counts()), lambda: 1.0 + counts()),
    "mixture-exponential": (_one("exponential", lambda: 0.5 + counts()), lambda: 0.5 + counts()),
    "mixture-gaps": (
        _mixture(
            mixed, families=[("student_t", ["x", "y"]), ("gaussian", ["t", "n", "wait", "gap"]),
                             ("bernoulli", ["flag"]), ("categorical", ["town"])],
        ),
        mixed,
    ),
    "mixture-parts": (
        _mixture(
            _hours,
            families=[
                ("gaussian", ["x", "y"]), ("gaussian_diag", ["t"]),
                (families.Normal(mean_precision=0.5), ["z"]),
                (families.Poisson(shape=2.0, exposure="hours"), ["n"]),
                (families.Categorical(unknown="error"), ["town"]),
            ],
            weight_concentration_prior_type="pitman_yor",
        ),
        _hours,
    ),
    "mixture-groups": (
        _mixture(
            lambda: mixed()[["x", "y", "t", "n"]], families={"gaussian": [["x", "y"], ["t", "n"]]}
        ),
        lambda: mixed()[["x", "y", "t", "n"]],
    ),
    "mixture-sparse": (_mixture(_sparse, families="poisson"), _sparse),
    "mixture-sparse-bernoulli": (
        _mixture(lambda: _sparse() > 4.0, families="bernoulli"), lambda: _sparse() > 4.0
    ),
    "mixture-sparse-multinomial": (_mixture(_sparse, families="multinomial"), _sparse),
    "mixture-online": (
        _mixture(mixed, learning_method="online", batch_size=20, max_iter=5), mixed
    ),
    "mixture-held-out": (_mixture(mixed, validation_fraction=0.2), mixed),
    "mixture-partial": (
        lambda: vivace.BayesianMixture(n_components=2, random_state=0).partial_fit(mixed()),
        mixed,
    ),
    "mixture-own": (
        lambda: vivace.BayesianMixture(
            n_components=2,
            families=[(golden_family.Failures(b=2.0), [0, 1]), ("poisson", [2])],
            random_state=0,
        ).fit(counts()),
        counts,
    ),
    "short-poisson": (
        lambda: vivace.BayesianPoissonMixture(n_components=2, random_state=0).fit(counts()),
        counts,
    ),
    "short-bernoulli": (
        lambda: vivace.BayesianBernoulliMixture(n_components=2, random_state=0).fit(_flags()),
        _flags,
    ),
    "short-categorical": (
        lambda: vivace.BayesianCategoricalMixture(n_components=2, random_state=0).fit(_levels()),
        _levels,
    ),
    "short-multinomial": (
        lambda: vivace.BayesianMultinomialMixture(n_components=2, random_state=0).fit(counts()),
        counts,
    ),
    "short-student_t": (
        lambda: vivace.BayesianStudentTMixture(n_components=2, random_state=0).fit(numbers()),
        numbers,
    ),
    "lda-vb": (_lda(), words),
    "lda-learned": (_lda(doc_topic_prior="auto", topic_word_prior="auto"), words),
    "lda-online": (_lda(learning_method="online", batch_size=10), words),
    "lda-held-out": (_lda(validation_fraction=0.2), words),
    "lda-cvb0": (_lda(inference="cvb0"), words),
    "lda-cvb0-held-out": (
        _lda(inference="cvb0", cvb0_store="lean", validation_fraction=0.2), words
    ),
    "lda-gibbs": (_lda(inference="gibbs", doc_topic_prior="auto"), words),
    "lda-gibbs-held-out": (_lda(inference="gibbs", validation_fraction=0.2), words),
    "lda-float32": (_lda_of(lambda: words().astype(np.float32)), words),
    "lda-memoized": (_lda(learning_method="memoized", batch_size=10), words),
    "lda-named": (_lda_of(_named_words), _named_words),
    "lda-partial": (
        lambda: vivace.LatentDirichletAllocation(2, random_state=0).partial_fit(words()),
        words,
    ),
    "lda-priors": (
        _lda(
            doc_topic_prior=[0.1, 0.2, 0.3],
            topic_word_prior=0.1 + np.arange(36.0).reshape(3, 12) / 50.0,
            topics_init=1.0 + np.arange(36.0).reshape(3, 12) % 5,
        ),
        words,
    ),
    "lda-word-prior": (_lda(topic_word_prior=0.1 + np.arange(12.0) / 20.0), words),
    "lda-texts": (_texts, lambda: ["rain wind sun", "stock price", "unknown"]),
}  # fmt: skip


def fitted(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MODELS[name][0]()


def rows(name: str) -> Any:
    return MODELS[name][1]()


def says(name: str, model: Any) -> dict[str, Any]:
    """What a model says of its rows, the first ten of them."""
    X = rows(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name.startswith("lda"):
            return {"shares": model.transform(X)[:10].tolist(), "score": float(model.score(X))}
        return {
            "labels": model.predict(X)[:10].tolist(),
            "density": model.score_samples(X)[:10].tolist(),
            "bound": float(model.lower_bound_),
        }


def write(folder: Path) -> None:
    """Fit the models that the folder lacks and store them, with what they say."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "expected.json"
    expected = json.loads(told.read_text("utf-8")) if told.exists() else {}
    for name in MODELS:
        if name in expected:
            continue
        save_model(fitted(name), folder / f"{name}.vivace")
        expected[name] = says(name, load_model(folder / f"{name}.vivace", TRUSTED))
    text = json.dumps(expected, indent=0, sort_keys=True)
    told.write_text(text + "\n", "utf-8")


def disagreements(folder: Path) -> list[str]:
    """Names of the models in a folder that do not say what is expected of them, and why."""
    found = []
    for name, expected in json.loads((folder / "expected.json").read_text("utf-8")).items():
        told = says(name, load_model(folder / f"{name}.vivace", TRUSTED))
        # Instruction sets differ in the last digits: of single precision there, and here a
        # document's sweeps, which end at a tolerance, may be one more or less.
        rtol = 1e-4 if name == "gaussian-float32" else 2e-3 if name.startswith("lda") else 1e-8
        for what, value in expected.items():
            if not np.allclose(told[what], value, rtol=rtol, atol=rtol):
                found.append(f"{name}: {what}")
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        print(*disagreements(Path(sys.argv[2])), sep="\n", end="")
    else:
        write(Path(sys.argv[1]) if sys.argv[1:] else FOLDER / f"format-{FORMAT_VERSION}")
