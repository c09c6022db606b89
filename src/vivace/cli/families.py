"""The option --families: names, a file of JSON, import paths of families of the user's own."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import click

from vivace.cli.options import or_meant


def read_families(text: str, trusted: Sequence[str]) -> Any:
    """Return what the parameter `families` takes.

    Parameters
    ----------
    text : str
        auto, a family for all columns, or the path of a file of JSON.
    trusted : sequence of str
        Modules that may be imported for families written MODULE:CLASS.

    Raises
    ------
    click.BadParameter
        The file is none of JSON, or holds something else; a family takes no such parameters.
    ValueError
        A family's module is not trusted, or has no such family.
    """
    from vivace.mixture._assign import BUILT_IN

    if not os.path.exists(text) and (text in {"auto", *BUILT_IN} or ":" in text):
        return _with_own(text, trusted)
    if not os.path.exists(text):
        names = ["auto", *BUILT_IN]
        raise click.BadParameter(
            f"no family and no file is called {text!r}{or_meant(text, names)} There are: "
            f"{', '.join(names)}",
            param_hint="--families",
        )
    try:
        with open(text, encoding="utf-8") as file:
            found = json.load(file)
    except ValueError as error:
        raise click.BadParameter(
            f'{text}: expected JSON such as {{"poisson": ["visits"]}} ({error})',
            param_hint="--families",
        ) from error
    if isinstance(found, dict):
        return {_with_own(name, trusted): columns for name, columns in found.items()}
    if isinstance(found, list):
        return [_record(item, trusted) for item in found]
    raise click.BadParameter(
        f"{text}: expected an object or a list, got {found!r}", param_hint="--families"
    )


def _record(item: Any, trusted: Sequence[str]) -> Any:
    """A pair of family and columns, or an object with both and parameters of the family."""
    if isinstance(item, list) and item:
        return [_with_own(item[0], trusted), *item[1:]]
    if isinstance(item, dict) and ":" in str(item.get("family", "")):
        said = {key: item[key] for key in ("family", "columns") if key in item}
        rest = {key: value for key, value in item.items() if key not in said}
        return {**said, "family": _with_own(item["family"], trusted, rest)}
    return item


def _with_own(name: Any, trusted: Sequence[str], parameters: dict[str, Any] | None = None) -> Any:
    """A family of the user's own for its import path; other names as they are."""
    from vivace.mixture._assign import family_of

    if not isinstance(name, str) or ":" not in name:
        return name
    try:
        return family_of(name, parameters or {}, trusted)
    except TypeError as error:
        raise click.BadParameter(f"{name}: {error}", param_hint="--families") from error
