"""Topic models beside scikit-learn: `python -m benchmarks.versus.topics --help`.

One thread, CPU seconds, a seeded draw from latent Dirichlet allocation. A pass is timed as the
difference of fits of one and of three passes, so that starts and final passes cancel.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.versus.stopwatch import by_difference, repeat

SWEEPS = 10


def corpus(documents: int, words: int, topics: int, length: int, seed: int = 0) -> Any:
    """Counts of words (CSR, float64): topics over a Zipf vocabulary, lengths NegBin(4)."""
    rng = np.random.default_rng(seed)
    base = 1.0 / (np.arange(words) + 10.0)
    beta = rng.gamma(600 * base / base.sum(), size=(topics, words)) + 1e-300
    cumulated = np.cumsum(beta / beta.sum(axis=1, keepdims=True), axis=1)
    alpha = 1.0 / (np.arange(topics) + 5.0)
    shares = np.cumsum(rng.dirichlet(1.5 * alpha / alpha.sum(), documents), axis=1)
    lengths = np.maximum(2, rng.negative_binomial(4, 4 / (4 + length), documents))
    document = np.repeat(np.arange(documents), lengths)
    draws = rng.random(len(document))
    topic = np.array(
        [np.searchsorted(shares[d], u) for d, u in zip(document, draws, strict=True)]
    ).clip(0, topics - 1)
    word = np.empty(len(document), np.int32)
    for k in range(topics):
        chosen = topic == k
        word[chosen] = np.searchsorted(cumulated[k], rng.random(chosen.sum())).clip(0, words - 1)
    counts = sparse.coo_matrix(
        (np.ones(len(document)), (document, word)), shape=(documents, words)
    ).tocsr()
    counts.sum_duplicates()
    return counts


def libraries() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """The two classes, each with its one-thread setting."""
    from sklearn.decomposition import LatentDirichletAllocation as Theirs

    from vivace import LatentDirichletAllocation as Ours

    return {"vivace": (Ours, {"n_jobs": 1}), "scikit-learn": (Theirs, {"n_jobs": 1})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=17_000)
    parser.add_argument("--topics", type=int, default=100)
    parser.add_argument("--length", type=int, default=35)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    counts = corpus(options.documents, options.words, options.topics, options.length)
    tokens = counts.sum()
    print(f"{counts.shape[0]} x {counts.shape[1]}, {counts.nnz} nonzeros, {tokens:.0f} tokens")
    fixed = {"mean_change_tol": 0.0, "max_doc_update_iter": SWEEPS}
    prior = {"n_components": options.topics, "random_state": 0}
    speed: dict[str, dict[str, float]] = {}
    for dtype in (np.float32, np.float64):
        X = counts.astype(dtype)
        start = libraries()["vivace"][0](**prior, max_iter=20).fit(X)
        for name, (make, threads) in libraries().items():
            results = speed.setdefault(f"{name} {np.dtype(dtype)}", {})

            def fit(passes: int, make: Any = make, threads: Any = threads, X: Any = X) -> None:
                make(max_iter=passes, **prior, **fixed, **threads).fit(X)

            seconds = by_difference(fit, 1, 3, options.repeats)["seconds"]
            results[f"tokens/s a pass, {SWEEPS} sweeps"] = tokens / seconds
            model = make(max_iter=1, **prior, **threads).fit(X[:1000])
            if name == "vivace":
                model = make(max_iter=0, topics_init=start.components_, **prior, **threads).fit(X)
            else:
                model.components_ = np.ascontiguousarray(start.components_)
                model.exp_dirichlet_component_ = start.exp_dirichlet_component_
            timed = repeat(lambda model=model, X=X: model.transform(X), options.repeats)
            results["transform documents/s"] = counts.shape[0] / timed["seconds"]
            gamma = (
                model.transform(X, normalize=False)
                if name == "vivace"
                else model._unnormalized_transform(X)
            )
            results["bound/token"] = bound_of(start, X, gamma) / tokens
    for name, results in speed.items():
        print(name, {key: float(f"{value:.6g}") for key, value in results.items()})


def bound_of(model: Any, X: Any, gamma: Any) -> float:
    """The documents' terms of the bound by one formula for both libraries."""
    from scipy.special import digamma, gammaln

    gamma = np.asarray(gamma, np.float64)
    components = np.asarray(model.components_, np.float64)
    log_beta = np.ascontiguousarray(
        (digamma(components) - digamma(components.sum(axis=1, keepdims=True))).T
    )
    log_theta = digamma(gamma) - digamma(gamma.sum(axis=1, keepdims=True))
    alpha = np.broadcast_to(model.doc_topic_prior_, gamma.shape[1:])
    total = ((alpha - gamma) * log_theta).sum() + gammaln(gamma).sum()
    total -= gammaln(gamma.sum(axis=1)).sum()
    total += len(gamma) * (gammaln(alpha.sum()) - gammaln(alpha).sum())
    rows = np.repeat(np.arange(len(gamma)), np.diff(X.indptr))
    for i in range(0, X.nnz, 65_536):
        part = slice(i, i + 65_536)
        scores = log_theta[rows[part]] + log_beta[X.indices[part]]
        top = scores.max(axis=1)
        total += X.data[part] @ (top + np.log(np.exp(scores - top[:, None]).sum(axis=1)))
    return float(total)


if __name__ == "__main__":
    main()
