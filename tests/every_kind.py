"""Models of every kind that pages and pictures treat differently, from the files in golden/."""

from __future__ import annotations

import functools
from typing import Any

import golden

from vivace.io.model_file import FORMAT_VERSION, load_model

MIXTURES = [
    "gaussian-full", "gaussian-tied", "gaussian-diag", "gaussian-spherical", "gaussian-tied_diag",
    "gaussian-tied_spherical", "gaussian-gaps", "gaussian-held-out", "gaussian-weights",
    "gaussian-partial", "mixture-all", "mixture-student_t", "mixture-multinomial",
    "mixture-sparse", "mixture-own", "mixture-gaps", "short-bernoulli", "short-categorical",
]  # fmt: skip
TOPICS = [
    "lda-vb", "lda-online", "lda-held-out", "lda-cvb0", "lda-gibbs-held-out", "lda-named",
    "lda-partial", "lda-texts",
]  # fmt: skip
#: Those without a column that has a mean and a variance.
SHAPELESS = [
    "mixture-multinomial", "mixture-sparse", "mixture-own", "short-bernoulli", "short-categorical",
]  # fmt: skip


@functools.cache
def model(name: str) -> Any:
    file = golden.FOLDER / f"format-{FORMAT_VERSION}" / f"{name}.vivace"
    return load_model(file, golden.TRUSTED)


@functools.cache
def rows(name: str) -> Any:
    return golden.rows(name)
