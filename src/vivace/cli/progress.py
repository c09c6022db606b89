"""Progress on standard error: a moving line on a terminal, else a plain line now and then."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self

import click

_SECONDS_BETWEEN_MOVES = 0.1
_SECONDS_BETWEEN_LINES = 10.0  # a log of an hour's fit has 360 lines


class FitProgress(Protocol):
    """What a fit tells after each map or pass."""

    n_iter: int
    elbo: float
    elapsed: float


class Meter:
    """Counts something; use it as a context.

    Parameters
    ----------
    what : str
        What is counted, such as ``"iterations"``.
    total : int or None
        How many there will be, if that is known.
    quiet : bool
        Say nothing.
    """

    def __init__(self, what: str, total: int | None, quiet: bool) -> None:
        self._what, self._total, self._quiet = what, total, quiet
        self._bar: Any = None
        self._began = self._told = perf_counter()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return self
            counting = "{n_fmt}{unit} [{elapsed}{postfix}]"
            self._bar = tqdm(
                total=self._total,
                unit=f" {self._what}",
                unit_scale=self._total is not None,
                file=sys.stderr,
                leave=False,
                mininterval=_SECONDS_BETWEEN_MOVES,
                bar_format=counting if self._total is None else None,
                dynamic_ncols=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, count: int, note: str = "", always: bool = False) -> None:
        """Say that `count` are done; `always` as a line of its own."""
        if self._bar is not None and not always:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count - self._bar.n)
            return
        now = perf_counter()
        if not self._quiet and (always or now - self._told >= _SECONDS_BETWEEN_LINES):
            self._told = now
            of = "" if self._total is None else f" of {self._total:,}"
            tail = f", {note}" if note else ""
            what = self._what if count != 1 or of else self._what.removesuffix("s")
            click.echo(f"{count:,}{of} {what}, {now - self._began:.0f} s{tail}", err=True)


class FitMeter(Meter):
    """Shows the iterations of a fit; give it to the fit as a callback.

    Parameters
    ----------
    n_rows : float
        The number that a fit reports is shown per row.
    quiet : bool
        Say nothing.
    what : str
        What the number is called then.
    unit : str
        What a pass goes over.
    units : float, optional
        How many of them; `n_rows` if left out.
    verbose : bool
        A line for each iteration.
    """

    def __init__(
        self,
        n_rows: float,
        quiet: bool,
        what: str = "bound per row",
        unit: str = "rows",
        units: float | None = None,
        verbose: bool = False,
    ) -> None:
        super().__init__("iterations", None, quiet)
        self._n_rows = n_rows
        self._name, self._unit = what, unit
        self._units = n_rows if units is None else units
        self._verbose = verbose
        self._elbo: float | None = None
        self._seen: tuple[int, float] | None = None

    def __call__(self, progress: FitProgress) -> None:
        """Show an iteration."""
        # Of documents some may be held out, and the fit alone knows the tokens of the others.
        elbo = progress.elbo / (getattr(progress, "units", None) or self._n_rows)
        gain = "" if self._elbo is None else f", {elbo - self._elbo:+.1e}"
        self._elbo = elbo
        held_out = getattr(progress, "held_out", None)
        score = "" if held_out is None else f", held out {held_out:.5f}"
        note = f"{self._name} {elbo:.6f}{gain}{score}{self._pace(progress)}"
        self.update(progress.n_iter, note, always=self._verbose)

    def _pace(self, progress: FitProgress) -> str:
        """Rate, and the most time that is left."""
        now = perf_counter()
        if self._seen is None:
            self._seen = progress.n_iter, now
            return ""
        first, began = self._seen
        each = (now - began) / max(1, progress.n_iter - first)
        most = getattr(progress, "max_iter", None)
        if not each > 0 or most is None:
            return ""
        left = _time((most - progress.n_iter) * each)
        return f", {self._units / each:,.0f} {self._unit}/s, at most {left} left"


def _time(seconds: float) -> str:
    """A time for people."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
