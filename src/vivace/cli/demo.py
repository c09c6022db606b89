"""`vivace demo`: two photographs, segmented."""

from __future__ import annotations

import click

from vivace.cli.options import debug_option


@click.command()
@debug_option
def demo() -> None:
    """Segment two photographs."""
