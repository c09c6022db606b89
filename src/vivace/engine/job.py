"""Checkpoints of a run: when they are written, what is in them, and going on from one."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from vivace.engine.checkpoint import Checkpoint
from vivace.engine.fit import Fit
from vivace.engine.packing import (
    Packed,
    Packing,
    check_finite,
    pack_fit,
    pack_statistics,
    unpack_fit,
    unpack_statistics,
)
from vivace.engine.writing import Snapshot, Writing

if TYPE_CHECKING:
    from vivace.engine.schedules.base import Stepper
    from vivace.io.checkpoint_folder import CheckpointFolder, Part


@dataclass
class Running:
    """A run at a safe point: no step is half done."""

    fit: Fit
    stepper: Stepper
    n_iter: int
    elapsed: float
    max_iter: int
    converged: bool = False


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
        self._writing = None if folder is None else Writing(checkpoint, folder)
        self._began = perf_counter()
        checkpoint.earlier = 0.0
        # Fit, maps or passes, and steps of the last snapshot.
        self._taken: tuple[Fit, int, int] | None = None
        #: Whether no other run follows in this fit: its end is then stored.
        self.last = True
        self.packing: Packing | None = None
        #: Makes what the estimator adds to a checkpoint; large parts of it, by name, in `parts`.
        self.extra: Callable[[], Packed] = dict
        self.parts: Callable[[], Mapping[str, Part]] = dict
        self._parts_found: dict[str, Any] = {}
        if folder is not None and folder.exists:
            if checkpoint.resume:
                self._found = folder.read()
                if not isinstance(self._found, dict):
                    raise _error(f"{folder.path}: its checkpoint is not that of a fit")
            elif folder.released:
                folder.begin_over()
            else:
                raise _error(
                    f"{folder.path}: holds a checkpoint already. Remedy: resume (--resume, "
                    "resume=True) to go on from it, name another folder, or remove this one"
                )
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

        A checkpoint that was set free (`Checkpoint.release`) is left aside where they differ.

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
        another = f"another {_NAMES.get(topic, topic)} ({what})"
        if self._folder.released:
            self._found, self._checkpoint.afresh = None, another
            self._folder.begin_over()
            return
        raise _error(f"{self._folder.path}: holds the checkpoint of {another}. Remedy: {remedy}")

    def admit(self, max_iter: int) -> None:
        """Compare the most maps or passes of this fit with what the checkpoint has made.

        Raises
        ------
        CheckpointError
            It has made more.
        """
        if self._found is None:
            return
        with self.reading():
            done = int(self._found["run"]["n_iter"])
            # Online and memoized learning may be in the midst of the next pass.
            midst = self._found["stepper"].get("began") is not None
        if done + midst > max_iter:
            where = f" and is in the midst of number {done + 1}" if midst else ""
            self.refuse(
                f"the fit has made {done} iterations{where}, more than max_iter={max_iter}",
                f"max_iter (--passes) of at least {done + midst}",
            )

    @property
    def max_iter(self) -> int | None:
        """The most maps or passes of the fit that wrote the checkpoint."""
        if self._found is None:
            return None
        with self.reading():
            return int(self._found["run"]["max_iter"])

    def refuse(self, reason: str, remedy: str) -> NoReturn:
        """Say why the fit cannot go on from the checkpoint."""
        assert self._folder is not None
        raise _error(
            f"{self._folder.path}: {reason}. Remedy: {remedy}, or begin afresh in another folder"
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
        check_finite(self._found)
        fit = unpack_fit(self._found["fit"], self.packing)
        kept: dict[int, Any] = {}
        for name, value in self._folder.read_parts():
            check_finite(value, name)
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

    def resume_run(self, stepper: Stepper) -> tuple[int, float, bool]:
        """Bring the stepper to where it was.

        Returns
        -------
        n_iter, elapsed, converged
            Maps or passes made, seconds taken, and whether the stop rule ended the run.
        """
        if self._found is None:
            return 0, 0.0, False
        with self.reading():
            stepper.restore(self._found["stepper"])
            run, self._found = self._found["run"], None
            n_iter, elapsed = int(run["n_iter"]), float(run["elapsed"])
            if n_iter < 0:
                raise ValueError(f"a run cannot have made {n_iter} steps")
            # Checkpoints that were written before it was kept know the time of one run only.
            spent = float(run.get("spent", elapsed))
            if spent < 0.0:
                raise ValueError(f"a fit cannot have taken {spent} seconds")
            self._checkpoint.earlier = spent
            return n_iter, elapsed, bool(run["converged"])

    def __call__(self, running: Running) -> None:
        """Write a checkpoint where one is due: called at every safe point."""
        poll = self._checkpoint.poll
        asked = None if poll is None else poll()
        if self._writing is not None:
            snapshot = partial(self._snapshot, running)
            if asked is None:
                self._writing.maybe(snapshot, getattr(running.stepper, "in_place", False))
            else:
                self._writing.now(snapshot, always_tell=True)
        if asked is not None:
            raise asked

    def end(self, running: Running) -> None:
        """Write the state that the last run of a fit ends with."""
        if self._writing is not None and self.last:
            last, now = self._taken, (running.fit, running.n_iter, running.fit.step)
            same = last is not None and last[0] is now[0] and last[1:] == now[1:]
            self._writing.end(partial(self._snapshot, running), same)

    def close(self) -> None:
        """Let a checkpoint that is being written become whole."""
        if self._writing is not None:
            self._writing.close()

    def _snapshot(self, running: Running) -> Snapshot:
        packing, fit = self.packing, running.fit
        assert packing is not None
        self._taken = fit, running.n_iter, fit.step
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
            "run": {
                "n_iter": running.n_iter,
                "elapsed": running.elapsed,
                "spent": self._checkpoint.earlier + perf_counter() - self._began,
                "max_iter": running.max_iter,
                "converged": running.converged,
            },
            "extra": self.extra(),
        }
        return state, parts


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
