"""Every failure ends in one message and an exit code: 1 data or fit, 2 usage, 130 Ctrl-C."""

from __future__ import annotations

import errno
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NoReturn

import click

from vivace.cli.standard_error import redirect_to_nowhere

# What Python's messages advise about a column, and has an option here.
_LEAVE_OUT = re.compile(r"\b[Ll]eave (?:it|them|the column) out(?=$|[.,;])")


def with_option(message: str) -> str:
    """Name the option behind the advice to leave a column out."""
    return _LEAVE_OUT.sub(lambda found: f"{found[0]} (--exclude)", message)


class Failure(click.ClickException):
    """Something about the data, the files or the fit; exit code 1."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(with_option(message))

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message to standard error."""
        click.echo(f"vivace: {self.message}", file=file, err=True)


class Interrupted(Failure):
    """Ctrl-C; exit code 130, as shells have it."""

    exit_code = 130


class Ended(Failure):
    """The signal TERM; exit code 143, as shells have it."""

    exit_code = 143


class Terminated(KeyboardInterrupt):
    """The signal TERM: ends a fit as Ctrl-C does."""


def interruption(cause: KeyboardInterrupt, message: str = "nothing was written") -> Failure:
    """Return the failure for Ctrl-C or the signal TERM."""
    if isinstance(cause, Terminated):
        return Ended(f"terminated; {message}")
    return Interrupted(f"interrupted; {message}")


def end_on_sigterm() -> None:
    """Let the signal TERM end the process as Ctrl-C does, so that no half-written file is left."""

    def end(*_: object) -> NoReturn:
        raise Terminated

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)


@contextmanager
def reporting(debug: Callable[[], bool]) -> Iterator[None]:
    """Turn exceptions into failures with one line, and warnings into lines on standard error.

    Parameters
    ----------
    debug : callable
        Whether to show the traceback as well.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = _show_warning
        try:
            yield
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BaseException as error:
            if debug():
                traceback.print_exc()
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                silence_output()  # the reader of our output has gone, and has what it wanted
                raise click.exceptions.Exit(0) from error
            raise _failure(error) from error


def silence_output() -> None:
    """Let what is still to be printed on standard output go nowhere."""
    redirect_to_nowhere(sys.stdout)


def failed_file(error: OSError) -> str | None:
    """Return name and reason of the system's error about a file; None for another's."""
    if not error.strerror:
        return None
    name = os.fsdecode(error.filename) + ": " if error.filename is not None else ""
    return f"{name}{error.strerror[0].lower()}{error.strerror[1:]}"


def _failure(error: BaseException) -> click.ClickException:
    """Return the failure that says what `error` says."""
    if isinstance(error, KeyboardInterrupt):
        return interruption(error)
    if isinstance(error, OSError) and (message := failed_file(error)):
        return Failure(message)
    if isinstance(error, MemoryError):
        return Failure(f"not enough memory ({error}). Remedy: fewer rows or columns, or float32")
    # FloatingPointError: values too large, or a family's NaN; NotImplementedError: what it lacks.
    if isinstance(error, (ValueError, OSError, FloatingPointError, NotImplementedError)):
        return Failure(str(error))
    if isinstance(error, SystemExit):
        raise error
    return Failure(
        f"unexpected {type(error).__name__}: {error}. Remedy: please report this with the output "
        "of the same command with --debug"
    )


def _show_warning(
    message: Warning | str, category: type[Warning], *_: object, **__: object
) -> None:
    """Show what concerns users; not by a filter, as libraries put filters of their own in front."""
    for_developers = issubclass(category, (DeprecationWarning, FutureWarning))
    if issubclass(category, (UserWarning, RuntimeWarning)) and not for_developers:
        click.echo(f"vivace: warning: {with_option(str(message))}", err=True)
