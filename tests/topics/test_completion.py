"""What methods that look at documents hold, and tokens that are split run by run."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from vivace import LatentDirichletAllocation
from vivace.topics import _completion
from vivace.topics._completion import split_tokens
from vivace.topics._documents import check_documents

N, V, K = 60_000, 40, 200


@pytest.fixture(scope="module")
def short():
    """Many documents of few words, and topics."""
    rng = np.random.default_rng(0)
    words = rng.integers(V, size=3 * N)
    counts = sparse.csr_array(
        (np.ones(3 * N, np.float32), words, np.arange(0, 3 * N + 1, 3)), shape=(N, V)
    )
    counts.sum_duplicates()
    lda = LatentDirichletAllocation(K, max_iter=1, random_state=0, init="random", n_jobs=1)
    return lda.fit(counts[:200]), counts


@pytest.mark.parametrize("name", ["score", "perplexity", "elbo", "document_completion"])
def test_nothing_of_documents_times_topics_is_made(short, name):
    lda, counts = short
    tracemalloc.start()
    try:
        getattr(lda, name)(counts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < N * K * 4


@pytest.mark.parametrize("run", [1, 7, 1000])
def test_tokens_are_split_alike_in_runs_of_any_length(short, run, monkeypatch):
    lda, counts = short
    documents = check_documents(lda, counts[:500], reset=False, whom="test")
    known, held_out, used = split_tokens(documents, 3)
    monkeypatch.setattr(_completion, "RUN_TOKENS", run)
    again = split_tokens(documents, 3)
    assert (known.counts != again[0].counts).nnz == 0
    assert (held_out != again[1]).nnz == 0
    assert np.array_equal(used, again[2])


def test_a_document_of_too_many_tokens_is_named(short):
    lda, _ = short
    counts = np.ones((3, V))
    counts[1, 2] = 1e12
    with pytest.raises(ValueError, match=r"up to 268,435,456 .* in document 1\. .*divide"):
        lda.document_completion(counts)
