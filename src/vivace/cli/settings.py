"""`--set key=value`: a parameter of the estimator, written as a literal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import click

from vivace.cli.options import or_meant

_WORDS = {
    "true": True,
    "false": False,
    "none": None,
    "null": None,
    "inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
}


def parse_setting(text: str) -> tuple[str, Any]:
    """Split `key=value`; the value is JSON, a word such as none, or plain text.

    Raises
    ------
    click.BadParameter
        There is no key, or the value begins like JSON and is not.
    """
    key, equals, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not equals or not key or not value:
        raise click.BadParameter(
            f"expected key=value, such as tol=1e-6, got {text!r}", param_hint="--set"
        )
    if value.lower() in _WORDS:
        return key, _WORDS[value.lower()]
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError) as error:
        if value[0] in '[{"':
            raise click.BadParameter(
                f"{key}: expected JSON, got {value!r} ({error})", param_hint="--set"
            ) from error
        return key, value


def settings(
    texts: Sequence[str], known: Sequence[str], options: Mapping[str, str], class_name: str
) -> dict[str, Any]:
    """Return the parameters that `--set` names.

    Parameters
    ----------
    texts : sequence of str
        As typed: key=value.
    known : sequence of str
        Parameters of the estimator.
    options : mapping
        Parameters that have an option of their own, and its name.
    class_name : str
        Name of the estimator, for messages.

    Raises
    ------
    click.BadParameter
        A key is unknown, given twice, or has an option of its own.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, value = parse_setting(text)
        if key in options:
            raise click.BadParameter(
                f"{key} has its own option, {options[key]}", param_hint="--set"
            )
        if key not in known:
            names = ", ".join(name for name in known if name not in options)
            raise click.BadParameter(
                f"{class_name} has no parameter {key!r}{or_meant(key, known)} It has: {names}",
                param_hint="--set",
            )
        if key in found:
            raise click.BadParameter(f"{key} is given twice", param_hint="--set")
        found[key] = value
    return found
