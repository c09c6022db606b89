"""Calls of kernels of documents as the border takes them, for tests of what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivace import _core

#: Six words, two topics.
TOPICS = (np.ones((6, 2)), 1.0, np.full((1, 1), 0.1), np.zeros(2))


def document_call(**changed: Any) -> dict[str, Any]:
    """Arguments of `_core.topic_documents`: one document of two words."""
    return {
        "topics": TOPICS,
        "vocabulary": np.array([1, 5], np.int32),
        "table": np.ones((2, _core.topic_stride(2, False))),
        "level": np.zeros(2),
        "start": np.array([0, 2], np.int64),
        "words": np.array([0, 1], np.int32),
        "counts": np.ones(2),
        "row_weights": None,
        "alpha": np.ones(2),
        "max_sweeps": 3,
        "tolerance": 0.1,
        "gamma": np.ones((1, 2)),
        "previous": None,
        "weights": np.ones(2),
        **changed,
    }
