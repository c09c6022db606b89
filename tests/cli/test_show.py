"""`vivace inspect`, `config`, `--version` and every example of a help text."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pytest
from corpus_files import docword, npz, random_counts
from documents import write_documents

import vivace
from vivace.cli.app import cli


def test_inspect(run: Any) -> None:
    result = run("inspect", "model.vivace")
    assert result.exit_code == 0
    assert result.stderr == ""
    for part in ("3 in use of 6", "income", "format 1", "written by", f"numpy {np.__version__}",
                 "n_components=6", "statistics.suff", "400 rows", "data.csv, in "):  # fmt: skip
        assert part in result.stdout


def test_inspect_json(run: Any) -> None:
    record = json.loads(run("inspect", "model.vivace", "--json").stdout)
    model = vivace.load("model.vivace")
    assert record["lower_bound"] == model.lower_bound_
    assert record["feature_names"] == ["age", "income"]
    assert record["notes"]["n_rows"] == 400
    assert record["meta"]["parameters"]["n_components"] == 6
    means = [component["mean"] for component in record["components"]]
    np.testing.assert_array_equal(means, model.means_)


def test_inspect_a_model_saved_from_python(run: Any) -> None:
    model = vivace.BayesianGaussianMixture(n_components=2, random_state=np.random.RandomState(0))
    model.fit(np.load("data.npy"))
    model.save("m")
    result = run("inspect", "m")
    assert "fitted to        unknown" in result.stdout
    assert "random_state=RandomState" in result.stdout
    assert json.loads(run("inspect", "m", "--json").stdout)["n_rows"] is None


def test_inspect_models_that_learnt_in_batches(run: Any) -> None:
    X = np.load("data.npy")
    model = vivace.BayesianGaussianMixture(n_components=2, random_state=0)
    model.fit(X[:200]).partial_fit(X[200:]).save("m")
    shown = run("inspect", "m").stdout
    assert "fingerprint      none (partial_fit keeps nothing of the batches" in shown
    assert "data             2 columns, 400 weight" in shown
    assert "times            fit " in shown
    assert ", partial_fit " in shown
    meta = json.loads(run("inspect", "m", "--json").stdout)["meta"]
    assert meta["data"] == {"n_columns": 2, "weight": 400.0}
    lda = vivace.LatentDirichletAllocation(n_components=2, random_state=0)
    lda.partial_fit(np.ones((20, 5))).save("m")
    assert "fingerprint      none (partial_fit" in run("inspect", "m").stdout
    model.fit(X).save("m")
    assert model._to_record()[0]["data"]["fingerprint"] in run("inspect", "m").stdout


@pytest.mark.parametrize("length", [0, 10, 1000, 3000])
def test_damaged_model(run: Any, length: int) -> None:
    content = Path("model.vivace").read_bytes()
    Path("bad").write_bytes(content[:length])
    for arguments in (["inspect", "bad"], ["score", "bad", "data.npy"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert result.stderr.startswith("vivace: bad: expected a vivace model file")
        assert result.stderr.count("\n") == 1


def test_config(run: Any) -> None:
    result = run("config")
    assert result.exit_code == 0
    assert "instruction set" in result.stdout
    assert json.loads(run("config", "--json").stdout)["vivace"] == vivace.__version__


def test_version(run: Any) -> None:
    assert run("--version").stdout == f"vivace {vivace.__version__}\n"


@pytest.fixture
def articles(run: Any, folder: Path) -> Path:
    """The files of documents that examples name."""
    write_documents(folder)
    (folder / "docs.txt").rename(folder / "articles.txt")
    (folder / "articles.jsonl.gz").write_bytes(gzip.compress((folder / "docs.jsonl").read_bytes()))
    docword(folder / "docword.nips.txt.gz", random_counts(n_words=3))
    (folder / "vocab.nips.txt").write_text("a\nb\nc\n")
    assert run("fit", "lda", "articles.txt", "-k", 3, "-o", "topics.vivace").exit_code == 0
    write_customers(folder)
    assert run("fit", "mixture", "holes.csv", "-k", 2, "-o", "mixed.vivace").exit_code == 0
    return folder


def write_customers(folder: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"visits": rng.poisson(4, 200), "town": rng.choice(["a", "b"], 200)})
    table.to_csv(folder / "customers.csv", index=False)
    npz(folder / "counts.npz", random_counts())
    table.to_parquet(folder / "customers.parquet", index=False)
    (folder / "families.json").write_text('{"poisson": ["visits"], "categorical": ["town"]}')
    table.where(rng.random(table.shape) < 0.9).to_csv(folder / "holes.csv", index=False)


def commands(
    group: click.Command, name: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    found = [(name, group)]
    if isinstance(group, click.Group):
        for child, command in group.commands.items():
            found += commands(command, (*name, child))
    return found


@pytest.mark.parametrize(
    ("name", "command"), commands(cli), ids=lambda x: "-".join(x) if isinstance(x, tuple) else ""
)
def test_help(run: Any, articles: Path, name: tuple[str, ...], command: click.Command) -> None:
    """Every command explains itself, and the examples of its help run as they stand."""
    for flag in ("-h", "--help"):
        result = run(*name, flag)
        assert result.exit_code == 0
        assert result.stderr == ""
    assert command.epilog is not None
    shown = "\n".join(line for line in command.epilog.split("\n")[2:])
    assert all(
        " ".join(line.split()) in " ".join(result.stdout.split()) for line in shown.split("\n")
    )
    for example in re.sub(r"\\\n\s*", "", shown).split("\n"):
        words = shlex.split(example)
        assert words[0] == "vivace"
        if "demo" in words:
            continue  # tests/cli/test_demo.py
        if "30" in words:
            words[words.index("30")] = "3"
        if "50" in words:  # more components than the least that the test's table bears
            words[words.index("50")] = "5"
        result = run(*words[1:])
        assert result.exit_code == 0, result.stderr


def test_options_have_help(run: Any) -> None:
    for _, command in commands(cli):
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, parameter


@pytest.mark.parametrize("arguments", [[], ["fit"]])
def test_no_command_shows_help(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code in (0, 2)  # click 8.2 changed this
    assert "Commands:" in result.stdout + result.stderr


@pytest.mark.parametrize(
    "arguments", [["fitt"], ["fit", "mixtures"], ["--verison"], ["predict", "--x"]]
)
def test_unknown_commands_and_options(run: Any, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "No such" in result.stderr
    assert result.stdout == ""
