"""Tables on standard input: the same models and results as from files."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv as pa_csv
from pyarrow import feather, ipc, parquet

from vivace.cli.app import cli
from vivace.io import standard_input

from .conftest import runner


def piped(content: bytes, *arguments: object) -> Any:
    return runner().invoke(cli, [str(one) for one in arguments], input=content)


def forms(csv: bytes) -> dict[str, bytes]:
    """The same table in every form that standard input may have."""
    table = pa_csv.read_csv(io.BytesIO(csv))  # exact to the last digit; pandas was not always
    sinks = {name: io.BytesIO() for name in ("parquet", "feather", "stream")}
    parquet.write_table(table, sinks["parquet"], row_group_size=100)
    feather.write_feather(table, sinks["feather"])
    with ipc.new_stream(sinks["stream"], table.schema) as writer:
        for batch in table.to_batches(max_chunksize=90):
            writer.write_batch(batch)
    zstd = pa.BufferOutputStream()
    with pa.CompressedOutputStream(zstd, "zstd") as packed:
        packed.write(csv)
    found = {name: sink.getvalue() for name, sink in sinks.items()}
    gz, zst = gzip.compress(csv), zstd.getvalue().to_pybytes()
    return {"csv": csv, "csv.gz": gz, "csv.zst": zst, **found}


@pytest.mark.parametrize("limit", [None, 1000])
@pytest.mark.parametrize("form", ["csv", "csv.gz", "csv.zst", "parquet", "feather", "stream"])
def test_every_form_gives_the_model_of_the_file(
    form: str, limit: int | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit is not None:  # so that the copy goes to a scratch file
        monkeypatch.setattr(standard_input, "_MOST_IN_MEMORY", limit)
        monkeypatch.setattr(standard_input, "_BLOCK", 300)
    content = forms(Path("data.csv").read_bytes())[form]
    fit = ["-k", "3", "-o", "m.vivace", "--columns", "age,income", "--passes", "5", "--json", "-q"]
    record = []
    for data, given in (("data.csv", b""), ("-", content)):
        found = piped(given, "fit", "gaussian-mixture", data, *fit)
        assert found.exit_code == 0, found.stderr
        record.append(json.loads(found.stdout))
    assert record[0]["lower_bound"] == record[1]["lower_bound"]
    assert record[1]["data"] == "-"
    fit[fit.index("--columns") + 1] = "age,town"
    bounds = []
    for data, given in (("data.csv", b""), ("-", content)):
        found = piped(given, "fit", "mixture", data, *fit)
        assert found.exit_code == 0, found.stderr
        bounds.append(json.loads(found.stdout)["lower_bound"])
    assert bounds[0] == bounds[1]


def test_commands_that_apply_a_model(folder: Path) -> None:
    csv = Path("data.csv").read_bytes()
    for command, out in (("predict", "p.npy"), ("transform", "t.npy")):
        results = []
        for data in ("data.csv", "-"):
            found = piped(csv, command, "model.vivace", data, "--out", out, "-q")
            assert found.exit_code == 0, found.stderr
            results.append(np.load(out))
        np.testing.assert_array_equal(results[0], results[1])
    scores = [piped(csv, "score", "model.vivace", data, "-q").stdout for data in ("data.csv", "-")]
    assert scores[0] == scores[1]
    assert piped(csv, "convert", "-", "c.npy", "-q").exit_code == 0
    assert np.load("c.npy").shape == (400, 3)
    assert piped(csv, "fit", "mixture", "data.csv", "-k", "2", "-o", "mix.vivace", "-q",
                 "--columns", "age,town", "--passes", "3").exit_code == 0  # fmt: skip
    found = piped(csv, "impute", "mix.vivace", "-", "--out", "i.csv", "--id-column", "id", "-q")
    assert found.exit_code == 0, found.stderr
    assert pd.read_csv("i.csv")["id"].tolist() == list(range(400))


@pytest.mark.parametrize(
    ("content", "data", "code", "message"),
    [
        (b"", ["-"], 1, "standard input: expected a table, got nothing"),
        (b"a,b\n1,2\n", ["-", "data.csv"], 2, "standard input is a table of its own"),
        (b"a,b\n1,2\n3,x\n4,5\n6,7,8\n", ["-"], 1, "standard input"),
        (
            gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12],
            ["-"],
            1,
            "standard input: expected a table",
        ),
        (b"PAR1 and no more", ["-"], 1, "expected a table, got something else"),
        (b"a,b\nx,y\nz,w\n", ["-"], 1, "standard input: expected at least one numeric column"),
    ],
)
def test_what_cannot_be_read(
    content: bytes, data: list[str], code: int, message: str, folder: Path
) -> None:
    found = piped(content, "fit", "gaussian-mixture", *data, "-k", "1", "-o", "m.vivace")
    assert found.exit_code == code, found.stderr
    assert message in found.stderr
    assert "/proc/self" not in found.stderr
    assert not Path("m.vivace").exists()


def test_a_dry_run_reads_heads_of_files(folder: Path) -> None:
    found = piped(b"a\n1\n", "fit", "mixture", "-", "-k", "1", "-o", "m.vivace", "--dry-run")
    assert found.exit_code == 2
    assert "standard input is read only once" in found.stderr
