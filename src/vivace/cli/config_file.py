"""`--config job.toml`: options from a file; what is typed goes before it."""

from __future__ import annotations

import json
from typing import Any

import click

from vivace.cli.options import or_meant


def _load(ctx: click.Context, _: click.Parameter, path: str | None) -> str | None:
    if path is None:
        return None
    import tomllib

    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise click.BadParameter(f"{path}: expected TOML, got something else ({error})") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{path}: expected text in UTF-8") from error
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}") from error
    names = _names(ctx.command)
    # Arguments and options that may be repeated.
    several = {
        one.name for one in ctx.command.params if one.nargs == -1 or getattr(one, "multiple", False)
    }
    values: dict[str, Any] = {}
    for key, value in found.items():
        name = names.get(key.replace("_", "-"))
        if name is None:
            raise click.BadParameter(
                f"{path}: {ctx.command.name} has no option {key!r}{or_meant(key, names)} It has: "
                f"{', '.join(sorted(names))}"
            )
        values[name] = _as_typed(path, key, value)
        if name in several and key != "set":
            values[name] = tuple(map(str, value if isinstance(value, list) else [value]))
    ctx.default_map = {**(ctx.default_map or {}), **values}
    return path


def _names(command: click.Command) -> dict[str, str]:
    """Option, as written in the file -> parameter of the command."""
    found = {}
    for parameter in command.params:
        if parameter.name in ("help", "config", "debug"):
            continue
        longest = max(parameter.opts, key=len).lstrip("-").replace("_", "-")
        found[longest] = parameter.name
    return found


def _as_typed(path: str, key: str, value: Any) -> Any:
    """Return a value as the command line would have it."""
    if isinstance(value, dict):
        if key != "set":
            raise click.BadParameter(f"{path}: {key}: expected a value, got a table")
        return tuple(f"{name}={json.dumps(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return value if isinstance(value, bool) else str(value)


def with_those_of_the_file(
    ctx: click.Context, parameter: click.Parameter, typed: tuple[str, ...]
) -> tuple[str, ...]:
    """Return settings, `key=value`: those of the file whose keys were not typed, and the typed."""
    keys = {text.partition("=")[0].strip() for text in typed}
    written = (ctx.default_map or {}).get(parameter.name, ())
    return (*(text for text in written if text.partition("=")[0].strip() not in keys), *typed)


config_option = click.option(
    "--config",
    type=click.Path(),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_load,
    help="TOML file of options (n-components = 20; parameters in a table [set]); flags override.",
)
