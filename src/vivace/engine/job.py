"""Checkpoints of a run: when they are written, what is in them, and going on from one."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from vivace.engine.background import Background
from vivace.engine.checkpoint import Checkpoint
from vivace.engine.fit import Fit
from vivace.engine.packing import (
    Packed,
    Packing,
    pack_fit,
    pack_statistics,
    unpack_fit,
    unpack_statistics,
)

if TYPE_CHECKING:
    from vivace.engine.schedules.base import Stepper
    from vivace.io.checkpoint_folder import CheckpointFolder, Part

# Where writing takes long, checkpoints become rarer: they take at most this share of the time.
LARGEST_SHARE = 0.02


@dataclass
class Running:
    """A run at a safe point: no step is half done."""

    fit: Fit
    stepper: Stepper
    n_iter: int
    elapsed: float


class Job:
    """One fit with its checkpoint; use `open_job`.

    What was found in the folder is checked against `identity` at once; `check` adds facts that are
    known later, such as those of the data.
    """

    def __init__(
        self, checkpoint: Checkpoint, identity: Mapping[str, Any], folder: CheckpointFolder | None
    ) -> None:
        self._checkpoint = checkpoint
        self._identity: dict[str, Any] = {}
        self._folder = folder
        self._found: Any = None
        self._last = perf_counter()
        self._pause = checkpoint.every
        self._warned = False
        self._background = Background()
        # Seconds that a checkpoint took before it went to the background; None where none did.
        self._foreground: float | None = None
        self.packing: Packing | None = None
        #: Makes what the estimator adds to a checkpoint; large parts of it, by name, in `parts`.
        self.extra: Callable[[], Packed] = dict
        self.parts: Callable[[], Mapping[str, Part]] = dict
        self._parts_found: dict[str, Any] = {}
        if folder is not None and folder.exists:
            if not checkpoint.resume:
                raise _error(
                    f"{folder.path}: holds a checkpoint already. Remedy: resume (--resume, "
                    "resume=True) to go on from it, name another folder, or remove this one"
                )
            self._found = folder.read()
            if not isinstance(self._found, dict):
                raise _error(f"{folder.path}: its checkpoint is not that of a fit")
        for topic, facts in identity.items():
            self.check(topic, facts)

    @property
    def stores(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    @property
    def found(self) -> Packed | None:
        """What the estimator added to the checkpoint that the fit goes on from."""
        if self._found is None:
            return None
        with self.reading():
            return dict(self._found["extra"])

    def check(self, topic: str, facts: Mapping[str, Any]) -> None:
        """Compare facts of this fit with those of the checkpoint.

        Raises
        ------
        CheckpointError
            They differ: it is of another model, data set, version, ...
        """
        self._identity[topic] = dict(facts)
        if self._found is None or self._folder is None:
            return
        with self.reading():
            theirs = dict(self._found["identity"].get(topic, {}))
        names = [name for name in {**theirs, **facts} if theirs.get(name) != facts.get(name)]
        if not names:
            return
        what = "; ".join(
            f"{name} was {theirs.get(name)!s:.60} and is {facts.get(name)!s:.60}"
            for name in names[:5]
        )
        if topic == "software":
            if not self._checkpoint.exact:
                warnings.warn(
                    f"the checkpoint was written on another system ({what}): the last bits may "
                    "differ from those of a run without interruption",
                    RuntimeWarning,
                    stacklevel=4,
                )
                return
            remedy = (
                "the same versions (VIVACE_ISA forces an instruction set), or exact=False "
                "(--inexact) to go on with a result that may differ in the last bits"
            )
        else:
            remedy = "what it was written with, or another folder for another job"
        raise _error(
            f"{self._folder.path}: holds the checkpoint of another {_NAMES.get(topic, topic)} "
            f"({what}). Remedy: {remedy}"
        )

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Say so where the content of a checkpoint turns out not to be that of this fit.

        Its checksums were right when it was read: such a file was forged or written by a fault.
        """
        from vivace.io.checkpoint_folder import CheckpointError

        try:
            yield
        except CheckpointError:
            raise
        except Exception as error:
            where = "the checkpoint" if self._folder is None else self._folder.path
            raise _error(
                f"{where}: its content is not that of this fit ({type(error).__name__}: {error}). "
                "Remedy: copy the folder again, or begin afresh in another"
            ) from error

    def restore(self) -> Fit | None:
        """Return the fit to go on with; None to begin."""
        with self.reading():
            return self._restore()

    def _restore(self) -> Fit | None:
        if self._found is None or self._folder is None:
            return None
        assert self.packing is not None
        fit = unpack_fit(self._found["fit"], self.packing)
        kept: dict[int, Any] = {}
        for name, value in self._folder.read_parts():
            kind, _, number = name.partition("-")
            if kind == "batch":
                kept[int(number)] = unpack_statistics(value)
                self._folder.adopt(name, weakref.ref(kept[int(number)]))
            elif kind == "local":
                assert fit.layout is not None
                batch = int(number)
                blocks = fit.layout.blocks(fit.layout.batches[batch])
                sizes = [stop - start for start, stop in blocks]
                fit.local.commit({batch: self.packing.unpack_local(value, sizes)})
                self._folder.adopt(name, fit.local.stamp(batch))
            else:
                self._parts_found[name] = value
        if kept:
            assert fit.layout is not None
            if kept.keys() != {batch.id for batch in fit.layout.batches}:
                raise ValueError("the statistics of some batches are missing")
            for record in kept.values():
                fit.statistics.check_same_fields(record)
            fit.commit(batch_statistics=dict(sorted(kept.items())))
        self._checkpoint.resumed_from = self._checkpoint.stored = fit.n_iter
        return fit

    def part(self, name: str, stamp: Any) -> Any:
        """Return a part that the estimator stored; `stamp` is what it has from now on."""
        assert self._folder is not None
        self._folder.adopt(name, stamp)
        return self._parts_found.pop(name)

    def resume_run(self, stepper: Stepper) -> tuple[int, float]:
        """Bring the stepper to where it was; return maps or passes made, and seconds taken."""
        if self._found is None:
            return 0, 0.0
        with self.reading():
            stepper.restore(self._found["stepper"])
            run, self._found = self._found["run"], None
            n_iter, elapsed = int(run["n_iter"]), float(run["elapsed"])
            if n_iter < 0:
                raise ValueError(f"a run cannot have made {n_iter} steps")
            return n_iter, elapsed

    def __call__(self, running: Running) -> None:
        """Write a checkpoint where one is due: called at every safe point."""
        poll = self._checkpoint.poll
        asked = None if poll is None else poll()
        if self._folder is not None:
            if asked is not None or not self._background.busy:
                self._finish_background()
            now = perf_counter()
            due = now - self._last >= self._pause and not self._background.busy
            # What is changed in place cannot be written while the fit goes on.
            here = asked is not None or self._checkpoint.every == 0
            here = here or getattr(running.stepper, "in_place", False)
            if (due or asked is not None) and here:
                self._tell(self._guarded(partial(self._write, *self._snapshot(running))), asked)
                self._took(perf_counter() - now)
                self._last = perf_counter()
            elif due:
                state, parts = self._snapshot(running)
                frozen = deepcopy(state)  # the fit goes on in some of its arrays
                self._background.start(partial(self._write, frozen, parts))
                self._foreground = perf_counter() - now
                self._last = perf_counter()
        if asked is not None:
            raise asked

    def close(self) -> None:
        """Let a checkpoint that is being written become whole."""
        self._finish_background()

    def _finish_background(self) -> None:
        if self._foreground is None:
            return
        error = self._background.wait()
        self._took(self._foreground + self._background.seconds)
        self._foreground = None
        if error is not None and not isinstance(error, OSError):
            raise error
        self._tell(error, None)

    def _took(self, seconds: float) -> None:
        self._checkpoint.seconds += seconds
        self._pause = max(self._checkpoint.every, seconds / LARGEST_SHARE)
        if self._checkpoint.every == 0:
            self._pause = 0.0

    def _guarded(self, write: Callable[[], None]) -> OSError | None:
        try:
            write()
        except OSError as error:
            return error
        return None

    def _tell(self, error: OSError | None, asked: BaseException | None) -> None:
        """Warn of a checkpoint that could not be written."""
        if error is None:
            self._warned = False
        elif asked is not None or not self._warned:
            # A long fit does not die of a full disk: the last good checkpoint is still there.
            assert self._folder is not None
            warnings.warn(
                f"{self._folder.path}: this checkpoint could not be written "
                f"({error.strerror or error}); the one before is as it was",
                RuntimeWarning,
                stacklevel=3,
            )
            self._warned = True

    def _snapshot(self, running: Running) -> tuple[dict[str, Any], dict[str, Part]]:
        """Return state and parts; parts do not change any more, the state does."""
        packing, fit = self.packing, running.fit
        assert packing is not None
        parts: dict[str, Part] = {}
        for name, (stamp, make) in self.parts().items():
            parts[name] = stamp, partial(_same, make())
        for batch, record in (fit.batch_statistics or {}).items():
            parts[f"batch-{batch}"] = weakref.ref(record), partial(pack_statistics, record)
        if packing.keeps_local:
            for batch, states in fit.local.items():
                make_local = partial(packing.pack_local, list(states))
                parts[f"local-{batch}"] = fit.local.stamp(batch), make_local
        state = {
            "identity": self._identity,
            "fit": pack_fit(fit, packing),
            "stepper": running.stepper.state(),
            "run": {"n_iter": running.n_iter, "elapsed": running.elapsed},
            "extra": self.extra(),
        }
        return state, parts

    def _write(self, state: dict[str, Any], parts: dict[str, Part]) -> None:
        assert self._folder is not None
        self._folder.write(state, parts)
        self._checkpoint.written += 1
        self._checkpoint.stored = int(state["fit"]["n_iter"])


def _same(value: Any) -> Any:
    return value


_NAMES = {
    "model": "model",
    "parameters": "job: other parameters",
    "data": "data set, or the data have changed",
    "software": "version or instruction set",
}


def _error(message: str) -> ValueError:
    # Here, as vivace.io loads more than the engine needs without checkpoints.
    from vivace.io.checkpoint_folder import CheckpointError

    return CheckpointError(message)


@contextmanager
def open_job(
    checkpoint: Checkpoint | None, identity: Callable[[], Mapping[str, Any]]
) -> Iterator[Job | None]:
    """Hold the folder of a checkpoint while a fit runs; None where there is no checkpoint.

    Parameters
    ----------
    checkpoint : Checkpoint or None
        As the user gave it.
    identity : callable
        Facts by which a checkpoint of another fit is recognised: topic to name to value.
    """
    if checkpoint is None:
        yield None
        return
    from vivace.io.checkpoint_folder import CheckpointFolder

    folder = None if checkpoint.folder is None else CheckpointFolder(checkpoint.folder)
    job: Job | None = None
    try:
        job = Job(checkpoint, identity(), folder)
        yield job
    finally:
        if job is not None:
            job.close()
        if folder is not None:
            folder.close()
