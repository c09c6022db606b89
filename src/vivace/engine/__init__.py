"""The engine: additive statistics, blocks and batches, threads, schedules and the run loop.

It knows no model: a model is four functions (`Model`), a schedule decides how statistics are
combined, and `run` owns what all fits share: stop rule, trace, callbacks, interruption.
"""

from vivace.engine.checkpoint import Checkpoint, as_checkpoint
from vivace.engine.csr import CsrRows, CsrSource
from vivace.engine.data import ArraySource, Block, Source
from vivace.engine.executor import Executor, ThreadExecutor
from vivace.engine.fit import Fit, Progress, StopRule, resume
from vivace.engine.job import Job, open_job
from vivace.engine.layout import Batch, Layout
from vivace.engine.local import LocalStore
from vivace.engine.model import BatchModel, Infeasible, Model, Sweeper, SweepModel
from vivace.engine.packing import Packing, StatisticsPacking, pack_fit, unpack_fit
from vivace.engine.reduction import PairwiseSum
from vivace.engine.rows import RowTable
from vivace.engine.run import Callback, expectation, online_update, run, start
from vivace.engine.schedules import CoordinateAscent, Memoized, Schedule, Stochastic, Sweeping
from vivace.engine.statistics import Statistics
from vivace.engine.threads import default_threads, resolve_n_jobs, single_threaded_blas

__all__ = [
    "ArraySource",
    "Batch",
    "BatchModel",
    "Block",
    "Callback",
    "Checkpoint",
    "CoordinateAscent",
    "CsrRows",
    "CsrSource",
    "Executor",
    "Fit",
    "Infeasible",
    "Job",
    "Layout",
    "LocalStore",
    "Memoized",
    "Model",
    "Packing",
    "PairwiseSum",
    "Progress",
    "RowTable",
    "Schedule",
    "Source",
    "Statistics",
    "StatisticsPacking",
    "Stochastic",
    "StopRule",
    "SweepModel",
    "Sweeper",
    "Sweeping",
    "ThreadExecutor",
    "as_checkpoint",
    "default_threads",
    "expectation",
    "online_update",
    "open_job",
    "pack_fit",
    "resolve_n_jobs",
    "resume",
    "run",
    "single_threaded_blas",
    "start",
    "unpack_fit",
]
