"""What a page tells of topics: the map, and what its script needs to rank words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivace.plot._map import classical_scaling, log_relevance, middle_of, topic_distances
from vivace.plot._topics import overall_of, topics_of
from vivace.report._data import DocumentSample
from vivace.report._format import count, fixed, percent

Array = NDArray[np.float64]

#: Bars, characters of JSON for the words of all topics, topics in the table, examples of each:
#: from all to what surely fits.
DETAILS = ((30, 520_000, 300, 3), (30, 560_000, 150, 1), (10, 120_000, 60, 1))
RELEVANCE, STEPS = 0.6, 20  # the slider's start, and its steps from 0 to 1
MAP, _LARGEST = 500.0, 62.0  # side of the map and radius of a circle at most, in its own units
_EXAMPLES, _EXCERPT, _TOP_WORDS = 3, 320, 12


def topics_page(
    estimator: Any, found: Judged | None, detail: int, vocabulary: Any = None
) -> dict[str, Any]:
    """Everything that the template of topics shows."""
    n_bars, room, listed, n_examples = DETAILS[detail]
    names = [str(name) for name in estimator._names(vocabulary)]
    p, share = topics_of(estimator)
    overall = overall_of(estimator)
    order = np.argsort(-share, kind="stable")
    tokens = float(np.sum(estimator.topic_sizes_))
    payload, n_mapped = _fitting(p, share, overall, order, tokens, names, n_bars, room)
    points = classical_scaling(topic_distances(p[order[:n_mapped]]))
    circles, origin = _circles(points, share[order[:n_mapped]])
    top = [
        np.argsort(-log_relevance(p[k], overall, RELEVANCE), kind="stable")[:_TOP_WORDS]
        for k in order
    ]
    topics: list[dict[str, Any]] = [
        {
            "number": int(k),
            "place": place,
            "share": percent(share[k]),
            "tokens": count(tokens * share[k]),
            "words": [_word(names[w], 40) for w in top[place]],
            "coherence": None if found is None else fixed(found.coherence[k]),
            "examples": [] if found is None else found.examples[int(k)][:n_examples],
        }
        for place, k in enumerate(order[:listed])
    ]
    for circle, k, best in zip(circles, order, top, strict=False):  # not all may be listed
        words, size = [_word(names[w], 40) for w in best[:5]], percent(share[k])
        circle["number"] = int(k)
        circle["label"] = f"topic {k}, {size} of the tokens: {', '.join(words)}"
        circle["option"] = f"{k}: {' '.join(words[:3])} ({size})"
    return {
        "topics": topics,
        "n_unlisted": len(order) - len(topics),
        "n_unmapped": len(order) - n_mapped,
        "circles": circles,
        "origin": origin,
        "payload": payload,
        "n_bars": n_bars,
        "relevance": RELEVANCE,
        "step": 1.0 / STEPS,
        "map_side": MAP,
        "judged": found is not None,
        "mean_coherence": None if found is None else _mean(found.coherence),
    }


def _mean(values: Array) -> str:
    known = values[np.isfinite(values)]
    return fixed(known.mean()) if len(known) else "none"


def _fitting(
    p: Array, share: Array, overall: Array, order: NDArray[np.intp], tokens: float,
    names: list[str], n_bars: int, room: int,
) -> tuple[dict[str, Any], int]:  # fmt: skip
    """The script's data: fewer bars, then fewer topics, until they fit."""
    shown = len(order)
    while True:
        for bars in (n_bars, max(5, n_bars // 2), max(5, n_bars // 4)):
            found = payload(p, share, overall, order[:shown], tokens, names, bars)
            if len(json.dumps(found)) <= room:
                return found, shown
        if shown <= 5:
            return found, shown
        shown //= 2


def payload(
    p: Array, share: Array, overall: Array, order: NDArray[np.intp], tokens: float,
    names: list[str], n_bars: int,
) -> dict[str, Any]:  # fmt: skip
    """Words that any step of the slider ranks among the first, with what ranks and draws them."""
    lists = []
    for k in order:
        with np.errstate(divide="ignore"):
            log_p = np.log(p[k])
        lift = log_p - np.log(overall)
        found: set[int] = set()
        for step in range(STEPS + 1):
            weight = step / STEPS
            scores = weight * log_p + (1.0 - weight) * lift
            best = np.argpartition(-scores, min(n_bars, len(scores) - 1))[:n_bars]
            found.update(best.tolist())
        lists.append(sorted(found))
    salient = _salient(p, share, n_bars)
    words = sorted(set().union(*lists, salient.tolist()))
    place = {w: i for i, w in enumerate(words)}
    everywhere = tokens * (share @ p[:, words])
    joint = share[order, None] * p[np.ix_(order, words)]
    given = joint / np.maximum((share @ p[:, words]), 1e-300)
    return {
        "words": [_word(names[w]) for w in words],
        "logp": [_short(v) for v in np.log(overall[words])],
        "all": [_short(v) for v in everywhere],
        "salient": [place[int(w)] for w in salient],
        "topics": [
            {
                "k": int(k),
                "share": _short(share[k]),
                "tokens": round(float(tokens * share[k]), 1),
                "w": [place[w] for w in lists[i]],
                "p": [_short(v) for v in p[k, lists[i]]],
            }
            for i, k in enumerate(order)
        ],
        # Topics of a word, for the map: those with at least a fiftieth of its tokens.
        "where": [
            [
                v
                for t in np.flatnonzero(given[:, i] >= 0.02)
                for v in (int(t), round(float(given[t, i]), 2))
            ]
            for i in range(len(words))
        ],
        "bars": n_bars,
    }


def _salient(p: Array, share: Array, n: int) -> NDArray[np.intp]:
    """Words that say most about topics: p(w) sum_k p(k | w) ln p(k | w) / p(k) (Chuang, 2012)."""
    joint = share[:, None] * p
    total = joint.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(joint > 0.0, joint * np.log(joint / (total * share[:, None])), 0.0)
    return np.argsort(-terms.sum(axis=0), kind="stable")[:n]


def _circles(points: Array, share: Array) -> tuple[list[dict[str, Any]], tuple[str, str]]:
    """Centre and radius of each topic on the map, and its origin; areas are shares."""
    side = np.sqrt(share / max(float(share.max()), 1e-300))
    # All circles together cover at most a fifth of the map.
    radius = min(_LARGEST, MAP * np.sqrt(0.2 / (np.pi * float((side**2).sum()))))
    radii = np.maximum(radius * side, 5.0)
    middle, reach = middle_of(points)
    half = 0.5 * MAP - float(radii.max()) - 6.0

    def placed(points: Array) -> Array:
        return np.asarray(0.5 * MAP + (points - middle) / reach * half * np.array([1.0, -1.0]))

    centres, origin = placed(points), placed(np.zeros(2))
    return [
        {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "r": f"{r:.1f}",
            "font": f"{min(15.0, max(8.0, 0.75 * r)):.0f}",
        }
        for (x, y), r in zip(centres, radii, strict=True)
    ], (f"{origin[0]:.1f}", f"{origin[1]:.1f}")


@dataclass(frozen=True)
class Judged:
    """What documents say about topics.

    Attributes
    ----------
    coherence : (K,)
    examples : list of lists of dict
        Number, share and text of the documents with the largest share of each topic.
    """

    coherence: Array
    examples: list[list[dict[str, Any]]]


def judged(estimator: Any, sample: DocumentSample, vocabulary: Any = None) -> Judged:
    """Look at documents, once for a page."""
    counts = sample.counts
    coherence = estimator.coherence(counts, top_n=min(10, int(estimator.n_features_in_)))
    shares = np.asarray(estimator.transform(counts), dtype=np.float64)
    held = np.flatnonzero(np.asarray(counts.sum(axis=1)).ravel() > 0)
    best = held[np.argsort(-shares[held], axis=0, kind="stable")[:_EXAMPLES]].T
    names = [str(name) for name in estimator._names(vocabulary)]
    wanted = {int(sample.numbers[i]) for i in best.ravel()}
    texts = {} if sample.texts is None else sample.texts(wanted)
    examples = [
        [
            {
                "number": count(sample.numbers[i] + 1),
                "share": percent(shares[i, k]),
                "text": _excerpt(counts, int(i), texts.get(int(sample.numbers[i])), names),
            }
            for i in best[k]
        ]
        for k in range(len(best))
    ]
    return Judged(np.asarray(coherence), examples)


def _excerpt(counts: Any, i: int, text: str | None, names: list[str]) -> str:
    """The beginning of a document's text, or its most frequent words."""
    if text is None:
        row = counts[[i]].tocsr()
        order = np.argsort(-row.data, kind="stable")[:20]
        text = " ".join(names[w] for w in row.indices[order])
    return _word(" ".join(text.split()), _EXCERPT)


def _word(name: str, most: int = 60) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _short(value: Any) -> float:
    """Four significant digits: enough for bars and for ranking."""
    return float(f"{float(value):.4g}")
