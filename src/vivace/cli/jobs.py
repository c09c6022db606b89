"""What makes a fit a job: checkpoints, a time limit, events, signals, exit codes."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

import click

from vivace.cli.errors import Failure, Terminated, failed_file
from vivace.cli.events import Events
from vivace.cli.options import counted, say

# As in vivace.io.checkpoint_folder, which is not imported for --help.
MANIFEST = "checkpoint.vivace"

# Seconds between checkpoints, unless --every says otherwise.
_EVERY = 60.0

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class NotConverged(Failure):
    """With --strict: the fit ended before it had converged; exit code 3."""

    exit_code = 3


class OutOfTime(KeyboardInterrupt):
    """The time limit of a job."""


def _duration(_: click.Context, __: click.Parameter, text: str | None) -> float | None:
    """Turn 90, 60s, 5m or 1.5h into seconds."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([smhd]?)\s*", text)
    if match is None:
        raise click.BadParameter(f"expected a time such as 90, 60s, 5m or 2h, got {text!r}")
    return float(match[1]) * _UNITS[match[2]]


@dataclass
class JobOptions:
    """What was given on the command line about the job."""

    checkpoint: str | None
    every: float | None
    resume: bool
    inexact: bool
    time_limit: float | None
    strict: bool
    events: str | None
    dry_run: bool

    @classmethod
    def take(cls, options: dict[str, Any]) -> JobOptions:
        """Take them out of the arguments of a command.

        Raises
        ------
        click.UsageError
            One asks for another that is missing.
        """
        names = cls.__dataclass_fields__
        found = cls(**{name: options.pop(name) for name in names})
        if found.every is not None and found.checkpoint is None:
            raise click.UsageError("--every: say where checkpoints go, with --checkpoint DIR")
        if found.resume and found.checkpoint is None:
            raise click.UsageError("--resume: say where the checkpoint is, with --checkpoint DIR")
        if found.time_limit is not None and not found.time_limit > 0:
            raise click.UsageError("--time-limit: expected more than no time at all")
        return found


def job_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `JobOptions`, and --config, to a command."""
    from vivace.cli.config_file import config_option

    for option in (
        click.option(
            "--dry-run", is_flag=True, help="Read heads only, print sizes and an estimate of time."
        ),
        config_option,
        click.option(
            "--events",
            type=click.Path(),
            metavar="FILE",
            help="Append one JSON object a line: begin, iterations, checkpoints, end.",
        ),
        click.option("--strict", is_flag=True, help="Exit with 3 when the fit has not converged."),
        click.option(
            "--time-limit",
            metavar="TIME",
            callback=_duration,
            help="Stop after so long (30m, 2h); the model so far is written.",
        ),
        click.option(
            "--inexact",
            is_flag=True,
            help="Resume although versions or instruction set differ: last bits may too.",
        ),
        click.option("--resume", is_flag=True, help="Go on from the checkpoint, if there is one."),
        click.option(
            "--every",
            metavar="TIME",
            callback=_duration,
            help="Time between checkpoints.  [default: 60s]",
        ),
        click.option(
            "--checkpoint",
            type=click.Path(),
            metavar="DIR",
            help="Folder for the state of the fit, so that it can be killed and resumed.",
        ),
    ):
        command = option(command)
    return command


class Work:
    """A job under way; use it as a context around the call of `fit`.

    Parameters
    ----------
    options : JobOptions
        What was asked for.
    out : str
        The model file, for messages.
    quiet : bool
        No progress on standard error.
    facts : dict
        For the first event.
    """

    def __init__(self, options: JobOptions, out: str, quiet: bool, facts: dict[str, Any]) -> None:
        from vivace.engine import Checkpoint

        self._options, self._out, self._quiet, self._facts = options, out, quiet, facts
        self._asked: BaseException | None = None
        self._handlers: dict[int, Any] = {}
        self._event = Events(None)
        self._written = 0
        self._resumed = self._afresh = False
        self._began = time.monotonic()
        self.checkpoint: Checkpoint | None = None
        if options.checkpoint is not None or options.time_limit is not None:
            self.checkpoint = Checkpoint(
                options.checkpoint,
                every=_EVERY if options.every is None else options.every,
                resume=options.resume,
                exact=not options.inexact,
                poll=self._poll,
            )

    def __enter__(self) -> Self:
        try:
            self._event = Events(self._options.events)
        except OSError as error:
            reason = failed_file(error) or str(error)
            raise Failure(f"{reason}. Remedy: name another file, --events FILE") from error
        self._event("begin", **self._facts)
        if self._options.checkpoint is not None:
            folder = self._options.checkpoint
            say(f"checkpoints in {folder}", self._quiet)
            if self._options.resume and not os.path.exists(os.path.join(folder, MANIFEST)):
                click.echo(f"vivace: no checkpoint in {folder}: starting afresh", err=True)
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGINT, signal.SIGTERM):
                    self._handlers[number] = signal.signal(number, self._signalled)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._tell_of_checkpoints()
        if error is not None:
            message = str(error)
            if isinstance(error, KeyboardInterrupt):
                name = "SIGTERM" if isinstance(error, Terminated) else "SIGINT"
                message = "; ".join(filter(None, (name, self.kept())))
            self._event("stopped", reason=type(error).__name__, message=message)
        if error is not None and not isinstance(error, OutOfTime):
            self._event.close()

    def __call__(self, progress: Any) -> None:
        """Tell of an iteration; give it to the fit as a callback."""
        self._tell_of_checkpoints()
        self._event(
            "iteration",
            n_iter=progress.n_iter,
            elbo=progress.elbo,
            accepted=progress.accepted,
            elapsed=progress.elapsed,
            **({} if progress.held_out is None else {"held_out": progress.held_out}),
        )

    @property
    def earlier(self) -> float:
        """Seconds that processes before this one spent on the fit."""
        return 0.0 if self.checkpoint is None else self.checkpoint.earlier

    def kept(self) -> str | None:
        """Say what is kept of an interrupted fit; None where no checkpoint was asked for."""
        if self._options.checkpoint is None or self.checkpoint is None:
            return None
        left = f"{self._out} is as it was"
        if not os.path.exists(self._out):
            left = f"{self._out} was not written"
        if self.checkpoint.stored is None:
            return f"no checkpoint was written yet; {left}"
        unit = f"the checkpoint in {self._options.checkpoint} is of iteration"
        return f"{unit} {self.checkpoint.stored}, go on with --resume; {left}"

    def unstored(self, error: OSError) -> str | None:
        """Say that the folder of checkpoints cannot be used, and the remedy; None for others."""
        folder, name = self._options.checkpoint, error.filename
        if folder is None or not isinstance(name, str | bytes | os.PathLike):
            return None
        where = os.path.abspath(folder)
        if os.path.commonpath([where, os.path.abspath(os.fsdecode(name))]) != where:
            return None
        return f"{failed_file(error)}. Remedy: name another folder, --checkpoint DIR"

    def unsaved(self, error: OSError) -> str:
        """Say why the model could not be written, what is left of the fit, and the remedy."""
        reason = failed_file(error) or str(error)
        self._event("stopped", reason=type(error).__name__, message=reason)
        self._event.close()
        remedy = "make room, or name another --out"
        if self.checkpoint is None or self._options.checkpoint is None:
            return f"{reason}. Remedy: {remedy}; with --checkpoint the fit would not be lost"
        place = "the end of the fit" if self.checkpoint.ended else self._place()
        return f"{reason}. Remedy: {remedy}, and --resume, which goes on from {place}"

    def done(self, estimator: Any, out_of_time: bool) -> None:
        """The model is written: end the job.

        Raises
        ------
        NotConverged
            With --strict.
        """
        if self.checkpoint is not None and self._options.checkpoint and not out_of_time:
            self.checkpoint.release()
        self._tell_of_the_end()
        converged = getattr(estimator, "converged_", estimator.n_iter_ < estimator.max_iter)
        self._event(
            "end",
            model=self._out,
            n_iter=estimator.n_iter_,
            converged=bool(converged),
            out_of_time=out_of_time,
        )
        self._event.close()
        if converged:
            return
        n_iter = counted(estimator.n_iter_, "iteration")
        # Topics converge only where their bound is asked for.
        watched = not hasattr(estimator, "perp_tol")
        if out_of_time:
            what = f"the time limit was reached after {n_iter}, and the fit has not converged; "
            what += f"{self._out} holds the model so far"
            how = "--resume goes on" if self._options.checkpoint else "a longer --time-limit"
        else:
            what = f"{self._out}: written, but the fit has not converged in {n_iter}"
            more = f"--passes of more than {estimator.max_iter}"
            if self._options.checkpoint:
                more += f" with --resume, which goes on from {self._place()}"
            how = f"{more}, or --set tol=N with a larger N"
            if not watched:
                how = f"--set evaluate_every=1, and {more} or a larger --set perp_tol=N"
        if self._options.strict:
            raise NotConverged(f"{what}. Remedy: {how}, or leave out --strict")
        if out_of_time or (watched and not self._quiet and estimator.max_iter > 0):
            click.echo(f"vivace: warning: {what}. Remedy: {how}", err=True)

    def _place(self) -> str:
        """Where a job with more passes goes on."""
        checkpoint = self.checkpoint
        if checkpoint is None or checkpoint.ended:
            return "here"
        return "the start" if checkpoint.stored is None else f"iteration {checkpoint.stored}"

    def _tell_of_the_end(self) -> None:
        """Say so where the state that the fit ended with is not stored."""
        checkpoint = self.checkpoint
        if checkpoint is None or checkpoint.left_out is None:
            return
        say(
            f"the checkpoint in {self._options.checkpoint} stays that of iteration "
            f"{checkpoint.stored}: one of the end would take about {checkpoint.left_out:.0f} s, "
            "more than 3 % of the job's time",
            self._quiet,
        )

    def _tell_of_checkpoints(self) -> None:
        checkpoint = self.checkpoint
        if checkpoint is None:
            return
        if checkpoint.resumed_from is not None and not self._resumed:
            self._resumed = True
            where, n = self._options.checkpoint, checkpoint.resumed_from
            click.echo(f"vivace: resumed from {where} after iteration {n}", err=True)
            self._event("resumed", n_iter=n)
        if checkpoint.afresh is not None and not self._afresh:
            self._afresh = True
            where, what = self._options.checkpoint, checkpoint.afresh
            click.echo(
                f"vivace: the checkpoint in {where} is of {what}, and its job has ended: starting "
                "afresh",
                err=True,
            )
            self._event("afresh", reason=what)
        if checkpoint.written > self._written:
            self._written = checkpoint.written
            self._event("checkpoint", n_iter=checkpoint.stored, seconds=checkpoint.seconds)

    def _poll(self) -> BaseException | None:
        self._tell_of_checkpoints()
        limit = self._options.time_limit
        if self._asked is None and limit is not None and time.monotonic() - self._began >= limit:
            return OutOfTime()
        return self._asked

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        kind = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if self._asked is not None:
            raise kind
        self._asked = kind()
        # Not through Python's buffers: the signal may have come in the midst of a write.
        os.write(2, b"vivace: stopping at the next step; once more stops at once\n")
