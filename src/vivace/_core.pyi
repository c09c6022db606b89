from typing import Literal

import numpy as np
from numpy.typing import NDArray

_Rows = NDArray[np.float64] | NDArray[np.float32]
_Doubles = NDArray[np.float64]
_Topics = tuple[_Rows | PackedTable, float, _Rows, _Doubles]
_Kind = Literal["linear", "spherical", "diag", "full"]
_Mode = Literal["soft", "hard", "given", "score"]

def isa() -> str: ...
def available_isas() -> list[str]: ...
def mixture_step(
    X: _Rows,
    weights: _Doubles | None,
    centre: _Doubles,
    inv_scale: _Doubles,
    eta: _Doubles | None,
    score_kind: _Kind,
    stat_kind: _Kind,
    mode: _Mode,
    single: bool,
    suff: _Doubles | None,
    entropy: _Doubles | None,
    resp: _Rows | None = ...,
    labels: NDArray[np.int32] | None = ...,
    lse: _Doubles | None = ...,
    quadratic: int | None = ...,
    added: _Doubles | None = ...,
    weighted: _Doubles | None = ...,
    levels: tuple[NDArray[np.int32], NDArray[np.int32], _Doubles, _Doubles | None] | None = ...,
    gaps: tuple[NDArray[np.int32], _Doubles | None, _Doubles | None] | None = ...,
) -> None: ...
def gather_scores(
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    values: _Doubles | None,
    table: _Doubles,
    scores: _Doubles,
) -> None: ...
def gather_sums(
    start: NDArray[np.int64],
    index: NDArray[np.int32],
    values: _Doubles | None,
    resp: _Doubles,
    sums: _Doubles,
) -> None: ...

PAD: int

def mixture_student(
    X: _Rows,
    centre: _Doubles,
    inv_scale: _Doubles,
    eta_q: _Doubles,
    score_kind: _Kind,
    a: _Doubles,
    b: _Doubles,
    out: _Doubles,
    resp: _Doubles | None = ...,
) -> None: ...
def mixture_student_diag(
    X: _Rows,
    centre: _Doubles,
    inv_scale: _Doubles,
    means: _Doubles,
    inv_scale2: _Doubles,
    a: _Doubles,
    b: _Doubles,
    out: _Doubles,
    resp: _Doubles | None = ...,
) -> None: ...
def column_sums(X: _Rows, weights: _Doubles | None, shift: _Doubles, out: _Doubles) -> int: ...
def special_exp(x: _Rows, out: _Rows) -> None: ...
def special_log(x: _Rows, out: _Rows) -> None: ...
def special_digamma(x: _Rows, out: _Rows) -> None: ...
def special_exp_digamma(x: _Rows, out: _Rows) -> None: ...
def special_lgamma(x: _Rows, out: _Rows) -> None: ...
def special_exp_nonpositive(x: _Rows, out: _Rows) -> None: ...
def special_log1p(x: _Rows, out: _Rows) -> None: ...
def topic_stride(n_topics: int, single: bool) -> int: ...
def packed_room(stride: int, single: bool) -> int: ...
def table_sizes(topics: _Topics, words: NDArray[np.int32], sizes: NDArray[np.int64]) -> None: ...
def topic_table(
    topics: _Topics,
    words: NDArray[np.int32],
    common: _Rows,
    table: _Rows | tuple[_Rows, NDArray[np.int64]],
    level: _Doubles,
    row_sums: _Rows,
) -> None: ...
def topic_documents(
    topics: _Topics,
    vocabulary: NDArray[np.int32],
    table: _Rows | tuple[_Rows, NDArray[np.int64], _Rows],
    level: _Doubles,
    start: NDArray[np.int64],
    words: NDArray[np.int32],
    counts: _Rows,
    row_weights: _Doubles | None,
    alpha: _Doubles,
    max_sweeps: int,
    tolerance: float,
    gamma: _Rows,
    previous: _Rows | None,
    weights: _Rows,
    theta: _Rows | None = ...,
    bound: _Doubles | None = ...,
    log_theta: _Doubles | None = ...,
    sweeps: NDArray[np.int32] | None = ...,
    sharpen: bool = ...,
    row_sums: _Rows | None = ...,
) -> None: ...
def topic_words(
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    first: NDArray[np.int64],
    entries: NDArray[np.int32],
    documents: NDArray[np.int32],
) -> None: ...
def topic_word_sums(
    topics: _Topics,
    vocabulary: NDArray[np.int32],
    table: _Rows | tuple[_Rows, NDArray[np.int64], _Rows],
    words: NDArray[np.int32],
    start: NDArray[np.int64],
    entries: NDArray[np.int32],
    documents: NDArray[np.int32],
    weights: _Rows,
    theta: _Rows,
    gamma: _Rows,
    out: _Rows | None,
    dense: bool,
) -> None: ...
def topic_start(
    start: NDArray[np.int64],
    words: NDArray[np.int32],
    counts: _Rows,
    seed: int,
    centre: float,
    width: float,
    gamma: _Rows,
) -> None: ...
def topic_fold_in(
    table: _Rows,
    start: NDArray[np.int64],
    words: NDArray[np.int32],
    counts: _Rows,
    alpha: _Rows,
    max_sweeps: int,
    tolerance: float,
    gamma: _Rows,
) -> None: ...
def topic_terms(
    topics: _Topics,
    words: NDArray[np.int32] | None,
    statistics: _Rows | PackedTable | None,
    factor: float,
    own_factor: float,
    log_gamma: bool,
    digamma: bool,
    out: _Doubles,
    sums: _Doubles | None = ...,
) -> None: ...
def give_back() -> None: ...
def nonzero_bits(values: _Rows, bits: NDArray[np.uint64]) -> int: ...
def take_bits(values: _Rows, bits: NDArray[np.uint64], kept: _Rows) -> None: ...
def put_bits(out: _Rows, bits: NDArray[np.uint64], kept: _Rows) -> None: ...

class PackedTable:
    bits: NDArray[np.uint64]
    kept: _Rows
    def __init__(self, bits: NDArray[np.uint64], kept: _Rows, rows: int, columns: int) -> None: ...

def count_bits(bits: NDArray[np.uint64]) -> int: ...
def sum_marks(
    values: _Rows,
    rows: NDArray[np.int32] | None,
    n_rows: int,
    bits: NDArray[np.uint64],
    marks: NDArray[np.uint64],
) -> int: ...
def packed_sum(
    values: _Rows,
    rows: NDArray[np.int32] | None,
    n_rows: int,
    factor: float,
    marks: NDArray[np.uint64],
    bits: NDArray[np.uint64],
    kept: _Rows,
) -> None: ...
def pack_rows(values: _Rows, common: _Rows, bits: NDArray[np.uint64], room: _Rows) -> int: ...
def unpack_rows(out: _Rows, common: _Rows, bits: NDArray[np.uint64], kept: _Rows) -> None: ...

cvb0_lean_entries: int

class Cvb0Corpus:
    def __init__(
        self,
        start: NDArray[np.int64],
        words: NDArray[np.int32],
        counts: _Rows,
        weights: _Doubles | None,
        n_words: int,
        order: NDArray[np.int64],
        batches: NDArray[np.int64],
        block_entries: int,
    ) -> None: ...
    @property
    def n_entries(self) -> int: ...
    @property
    def n_batches(self) -> int: ...
    @property
    def n_blocks(self) -> int: ...
    @property
    def most_entries(self) -> int: ...
    @property
    def most_blocks(self) -> int: ...

def cvb0_visit(
    corpus: Cvb0Corpus,
    table: _Rows,
    sums: _Doubles,
    totals: _Rows,
    inverse: _Rows,
    alpha: _Rows,
    gamma: NDArray[np.uint16] | NDArray[np.float32],
    kept: NDArray[np.uint8] | NDArray[np.uint16] | None,
    change: NDArray[np.uint16] | _Rows,
    factors: _Rows,
    moved: _Doubles,
    likelihood: _Doubles,
    marks: NDArray[np.int64],
    first: int,
    last: int,
    sweeps: int,
    fresh: bool,
    divide: bool,
    least_word: float,
    least_topic: float,
    from_behind: bool,
) -> None: ...
def cvb0_extrapolate(
    table: _Rows,
    previous: _Rows,
    counts: _Rows,
    prior: _Rows,
    first: int,
    last: int,
    begun: float | None,
    step: float,
    sums: _Doubles,
) -> None: ...

class SampledCorpus:
    def __init__(
        self,
        start: NDArray[np.int64],
        words: NDArray[np.int32],
        counts: _Rows,
        n_words: int,
        chosen: NDArray[np.int64] | None = ...,
    ) -> None: ...
    @property
    def n_tokens(self) -> int: ...
    def word_edges(self, parts: int) -> list[int]: ...

def sampled_documents(
    corpus: SampledCorpus,
    first: int,
    last: int,
    topic: NDArray[np.uint8] | NDArray[np.uint16],
    table: NDArray[np.float32],
    alpha: NDArray[np.float32],
    one: NDArray[np.float32],
    rest: NDArray[np.float32],
    least: float,
    topics: int,
    sweeps: int,
    key: int,
    learned: _Doubles | None,
) -> float: ...
def sampled_counts(
    corpus: SampledCorpus,
    first: int,
    last: int,
    topic: NDArray[np.uint8] | NDArray[np.uint16],
    table: NDArray[np.int32],
    sums: NDArray[np.int64],
) -> None: ...
def sampled_means(
    previous: _Rows,
    first: int,
    last: int,
    table: NDArray[np.float32],
    means: _Rows,
    prior: _Rows,
    one: NDArray[np.float32],
    rate: float,
    sums: _Doubles,
) -> None: ...
def seed_groups(
    start: NDArray[np.int64],
    words: NDArray[np.int32],
    counts: _Rows,
    n_words: int,
    first: int,
    draws: _Doubles,
    members: NDArray[np.int64],
) -> int: ...
def row_update(
    base: _Rows,
    version: NDArray[np.int64],
    expected: int,
    next: int,
    keep: float,
    rows: NDArray[np.int32] | None,
    add: _Rows,
    factor: float,
    subtract: _Rows | None,
    factor_old: float,
    clip: bool,
) -> None: ...
def parse_triples(
    text: bytes | memoryview,
    n_rows: int,
    n_columns: int,
    with_value: bool,
    whole: bool,
    rows: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: _Rows,
) -> tuple[int, int, int, int, str]: ...
def parse_pairs(
    text: bytes | memoryview,
    n_columns: int,
    base: int,
    form: str,
    whole: bool,
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: _Rows,
) -> tuple[int, int, int, int, str]: ...
