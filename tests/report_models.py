"""Models with names that try to be code."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import vivace
from vivace.io import Tokenizer, corpus_of_texts

pd = pytest.importorskip("pandas")

#: Sets window.hacked where it is run.
EVIL = [
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=2>",
    '"onmouseover="window.hacked=3',
    "</title></script><svg onload=window.hacked=4>",
    "{{ 7*191 }}",
    "]]><!--$\\frac$&lt;",
    "\x00\x1b\u2028\ud7ff名前🙂",
    "http://evil.example/x.png",
]


def gaussian() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 8)) * 5
    X = centres[rng.choice(4, size=900, p=[0.5, 0.3, 0.15, 0.05])] + rng.normal(size=(900, 8))
    frame = pd.DataFrame(X, columns=EVIL)
    return vivace.BayesianGaussianMixture(n_components=7, random_state=0).fit(frame), frame


def table() -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    group = rng.integers(2, size=500)
    frame = pd.DataFrame(
        {
            EVIL[0]: rng.normal(30.0 + 30.0 * group, 5.0),
            EVIL[1]: rng.poisson(1 + 5 * group),
            EVIL[2]: rng.random(500) < 0.2 + 0.6 * group,
            EVIL[3]: np.array(EVIL, dtype=object)[rng.integers(4, size=500) + 4 * group],
        }
    )
    frame.loc[::7, EVIL[0]] = np.nan
    frame.loc[::5, EVIL[3]] = None
    return vivace.BayesianMixture(n_components=4, random_state=0).fit(frame), frame


def texts() -> list[str]:
    rng = np.random.default_rng(2)
    weather = f"rain wind sun cloud storm coast warm cold {EVIL[0].replace(' ', '')}"
    market = f"bank stock price trade profit share loan {EVIL[3].replace(' ', '')}"
    sports = f"goal match team ball coach season win {EVIL[1].replace(' ', '')}"
    groups = [text.split(" ") for text in (weather, market, sports)]
    return [" ".join(rng.choice(words, 15)) for words in groups for _ in range(60)]


def topics(**parameters: Any) -> tuple[Any, list[str]]:
    corpus = corpus_of_texts(texts(), tokenizer=Tokenizer(pattern=r"\S+"))
    given = {"n_components": 3, "random_state": 0, "validation_fraction": 0.1, "max_iter": 20}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lda = vivace.LatentDirichletAllocation(**{**given, **parameters}).fit(corpus)
    return lda, texts()


MODELS = {"gaussian": gaussian, "table": table, "topics": topics}
