"""The `vivace` command: thin; everything heavy is imported inside the commands."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the `vivace` command with the arguments of this process, and exit."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.stderr.write(
            "vivace: the command line needs click, which is not installed. Remedy: "
            "pip install click tqdm\n"
        )
        sys.exit(1)
    from vivace.cli.app import cli
    from vivace.cli.errors import end_on_sigterm
    from vivace.cli.standard_error import outlive_its_reader

    end_on_sigterm()
    outlive_its_reader()
    cli(prog_name="vivace")
