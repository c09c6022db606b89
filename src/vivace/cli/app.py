"""The command `vivace` and its parts."""

from __future__ import annotations

from typing import Any

import click

from vivace.cli.apply import predict, score, transform
from vivace.cli.convert import convert
from vivace.cli.demo import demo
from vivace.cli.errors import reporting
from vivace.cli.fit import fit
from vivace.cli.impute import impute
from vivace.cli.options import debug_option, debugging, examples
from vivace.cli.report import report
from vivace.cli.show import config, inspect
from vivace.cli.topics import topics


class Application(click.Group):
    """A group whose failures are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        with reporting(lambda: debugging(ctx)):
            return super().invoke(ctx)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import vivace

        click.echo(f"vivace {vivace.__version__}")
        ctx.exit()


@click.group(
    cls=Application,
    epilog=examples(
        "vivace fit gaussian-mixture data.csv --n-components 50 --out model.vivace",
        "vivace predict model.vivace data.csv --out labels.npy",
        "vivace fit lda articles.txt --n-components 100 --out topics.vivace",
        "vivace topics topics.vivace",
        "vivace inspect model.vivace",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@debug_option
def cli() -> None:
    """Fit mixtures and topic models by variational inference, and use them, from the shell.

    DATA is a table of numbers: .npy (read in place), .csv, .csv.gz or .parquet, or a folder or
    pattern of .parquet, .arrow or .feather (read a piece at a time); for a topic
    model documents: .npz, .mtx, docword, .ldac, .svmlight, .txt or .jsonl.
    Results go to standard output, progress to standard error.
    Exit codes: 0 done, 1 failure in data, files or fit, 2 usage, 3 not converged
    (--strict), 130 Ctrl-C, 143 terminated.
    """


for command in (
    fit, convert, predict, transform, score, impute, topics, inspect, report, demo, config,
):  # fmt: skip
    cli.add_command(command)
