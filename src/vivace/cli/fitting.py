"""What the commands below `vivace fit` share."""

from __future__ import annotations

import difflib
import os
from typing import Any

import click

from vivace.cli.options import counted
from vivace.cli.settings import settings

# What people call an estimator, and its command.
_ALSO_KNOWN_AS = {
    "gmm": "gaussian-mixture",
    "bgmm": "gaussian-mixture",
    "gaussian": "gaussian-mixture",
    "gaussianmixture": "gaussian-mixture",
    "bayesiangaussianmixture": "gaussian-mixture",
    "bayesianmixture": "mixture",
    "latentdirichletallocation": "lda",
    "topics": "lda",
    "topicmodel": "lda",
}


class Estimators(click.Group):
    """The group of `vivace fit`: says which estimator is meant where none or another is named."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(self._hint(ctx, name), ctx)
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: click.Context, name: str) -> str:
        known = self.list_commands(ctx)
        meant = _command_for_file(name)
        if meant in known:
            rest = "--n-components K --out MODEL"
            return (
                f"The name of an estimator is missing in front of {name}; did you mean "
                f"'vivace fit {meant} {name} {rest}'? There are: {', '.join(known)}"
            )
        plain = name.lower().replace("_", "-")
        found = plain if plain in known else _ALSO_KNOWN_AS.get(plain.replace("-", ""))
        close = [found] if found in known else difflib.get_close_matches(plain, known, n=1)
        if not close:
            near = difflib.get_close_matches(plain, _ALSO_KNOWN_AS, n=1)
            close = [_ALSO_KNOWN_AS[alias] for alias in near if _ALSO_KNOWN_AS[alias] in known]
        hint = f"; did you mean {close[0]}?" if close else "."
        return f"No such estimator {name!r}{hint} There are: {', '.join(known)}"


def _command_for_file(name: str) -> str | None:
    """Return the estimator for a file of this name; None if it looks like no file."""
    from vivace.io.corpora.formats import format_of
    from vivace.io.tables import READABLE

    if name.lower().endswith(READABLE):
        return "gaussian-mixture"
    try:
        format_of(name)
    except ValueError:
        return "gaussian-mixture" if os.path.exists(name) else None
    return "lda"


def make_estimator(
    estimator_class: Any, given: dict[str, Any], set_: tuple[str, ...], options: dict[str, str]
) -> Any:
    """Make an estimator; whatever is wrong with its parameters is a usage error.

    Parameters
    ----------
    estimator_class : type
        Its class.
    given : dict
        Parameters that options gave; None means the default.
    set_ : tuple of str
        What --set gave.
    options : dict
        Parameters that have an option of their own, and its name.
    """
    parameters = {name: value for name, value in given.items() if value is not None}
    known = estimator_class._get_param_names()
    parameters.update(settings(set_, known, options, estimator_class.__name__))
    if parameters.get("warm_start") is True:
        raise click.UsageError(
            "--set warm_start: expected false, as a fit begins anew here, got true. Remedy: go on "
            "with a job by --checkpoint DIR --resume, with a stored model in Python (vivace.load)"
        )
    estimator = estimator_class(**parameters)
    try:
        estimator._validate_params()
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return estimator


def keep_interrupted(estimator: Any, out: str, notes: dict[str, Any]) -> str:
    """Store an interrupted fit beside `out`, and say what became of it."""
    from vivace.io import save_model

    left = f"{out} is as it was" if os.path.exists(out) else f"{out} was not written"
    if not hasattr(estimator, "n_iter_"):
        return f"nothing was saved: the fit had only begun; {left}"
    beside = f"{out}.interrupted"
    try:
        save_model(estimator, beside, notes)
    except (OSError, ValueError) as error:
        return f"nothing was saved ({error}); {left}"
    n_iter = counted(estimator.n_iter_, "iteration")
    return f"the model after {n_iter}, not converged, is in {beside}; {left}"
