"""Tables: the same numbers back from every format, and errors that name file, column and remedy."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vivace.io import TableError, open_table, read_table, write_table
from vivace.io.table import default_names

NOISE = np.random.default_rng(0).bytes(50_000).hex().encode()

VALUES = np.array([[0.1, -0.0, 1e-310], [1e300, 0.5, -2.5], [1 / 3, 7.0, 1e22]])
FORMATS = ["csv", "csv.gz", "npy", "parquet"]


@pytest.fixture(params=[True, False], ids=["pyarrow", "numpy"])
def with_pyarrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether pyarrow is installed: both, one after the other."""
    if request.param:
        pytest.importorskip("pyarrow")
    else:
        hide_pyarrow(monkeypatch)
    return bool(request.param)


def hide_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)


def text(tmp_path: Path, content: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_round_trip(tmp_path: Path, suffix: str, dtype: type, with_pyarrow: bool) -> None:
    path = tmp_path / f"t.{suffix}"
    values = VALUES.astype(dtype) if dtype == np.float64 else np.float32([[0.1, -2.5e-41], [3, 4]])
    names = ["a", "b,c", 'd"'][: values.shape[1]]
    if suffix == "parquet" and not with_pyarrow:
        with pytest.raises(TableError, match=r"t\.parquet.*pyarrow.*pip install"):
            write_table(path, values, names)
        return
    write_table(path, values, names)
    table = read_table(path)
    assert table.values.astype(dtype).tobytes() == values.tobytes()
    keeps_type = suffix in {"npy", "parquet"}
    assert table.values.dtype == (dtype if keeps_type else np.float64)
    assert table.names == (names if suffix != "npy" else default_names(len(names)))
    assert table.named == (suffix != "npy")
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_labels(tmp_path: Path, suffix: str, dtype: type, with_pyarrow: bool) -> None:
    if suffix == "parquet" and not with_pyarrow:
        pytest.skip("needs pyarrow")
    path = tmp_path / f"t.{suffix}"
    labels = np.array([3, 0, 200], dtype)
    if suffix == "npy":
        write_table(path, labels, ["label"])
        np.testing.assert_array_equal(np.load(path), labels)
        return
    write_table(path, labels, ["label"])
    np.testing.assert_array_equal(read_table(path).values[:, 0], labels)
    assert read_table(path).names == ["label"]


def test_npz(tmp_path: Path) -> None:
    write_table(tmp_path / "t.npz", VALUES, ["a", "b", "c"])
    with np.load(tmp_path / "t.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["values"], VALUES)
        assert list(file["names"]) == ["a", "b", "c"]


def test_same_table_same_bytes(tmp_path: Path) -> None:
    for suffix in [*FORMATS, "npz"]:
        for name in ("a", "b"):
            write_table(tmp_path / f"{name}.{suffix}", VALUES)
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_npy_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    np.save(path, VALUES)
    assert isinstance(read_table(path).values, np.memmap)
    part = read_table(path, ["x1", "x2"])
    assert isinstance(part.values, np.memmap)
    np.testing.assert_array_equal(part.values, VALUES[:, 1:])
    swapped = read_table(path, ["x2", "x0"])
    np.testing.assert_array_equal(swapped.values, VALUES[:, [2, 0]])
    assert swapped.names == ["x2", "x0"]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("i4", "f8"), ("?", "f8"), ("f2", "f4"), (">f8", "f8"), (">f4", "f4"), ("u1", "f8")],
)
def test_npy_types(tmp_path: Path, dtype: str, expected: str) -> None:
    np.save(tmp_path / "t.npy", np.array([[1, 0]], dtype))
    values = read_table(tmp_path / "t.npy").values
    assert values.dtype == expected
    assert values.dtype.isnative
    np.testing.assert_array_equal(values, [[1, 0]])


def test_only_numeric_columns(tmp_path: Path, with_pyarrow: bool) -> None:
    table = read_table(text(tmp_path, "id,age,city\n1,2.5,Rome\n2,4,Oslo\n"))
    np.testing.assert_array_equal(table.values, [[1, 2.5], [2, 4]])
    assert table.names == ["id", "age"]
    assert table.left_out == ["city"]
    table = read_table(tmp_path / "t.csv", ["age"])
    np.testing.assert_array_equal(table.values, [[2.5], [4]])
    assert table.left_out == []


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,2\n3,4\n",
        "\ufeffa,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4",
        "a;b\n1;2\n3;4\n",
        "a\tb\n1\t2\n3\t4\n",
        '"a","b"\n1,"2"\n3,4\n',
        "\na,b\n1,2\n\n3,4\n\n",
    ],
)
def test_ways_to_write_csv(tmp_path: Path, content: str, with_pyarrow: bool) -> None:
    if content.startswith("\n") and not with_pyarrow:
        content = content[1:]
    table = read_table(text(tmp_path, content))
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])
    assert table.names == ["a", "b"]


def test_csv_without_names(tmp_path: Path, with_pyarrow: bool) -> None:
    table = read_table(text(tmp_path, "1,2\n3,4e0\n"))
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 4]])
    assert table.names == ["x0", "x1"]
    assert not table.named


def test_gaps_are_nan(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = read_table(
        text(tmp_path, "a,b,c,d\n1,,NA,true\n,nan,inf,false\n"), ["a", "b", "c", "d"]
    )
    np.testing.assert_array_equal(
        table.values, [[1, np.nan, np.nan, 1], [np.nan, np.nan, np.inf, 0]]
    )


def test_gaps_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide_pyarrow(monkeypatch)
    with pytest.raises(TableError, match=r"t\.csv: .*convert.*pip install"):
        read_table(text(tmp_path, "a,b\n,1\n1,2\n"))


def test_parquet_types(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {
        "i": pa.array([1, None, 3], pa.int64()),
        "h": pa.array([1.0, 2.0, 3.0], pa.float32()),
        "f": pa.array([1.5, None, 2.5], pa.float32()),
        "m": pa.array(["1.25", "2.50", None]).cast(pa.decimal128(5, 2)),
        "t": pa.array([True, None, False]),
        "s": pa.array(["a", "b", "c"]),
        "l": pa.array([[1], [2], []]),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=2)
    table = read_table(tmp_path / "t.parquet")
    assert table.names == ["i", "h", "f", "m"]
    assert table.left_out == ["t", "s", "l"]
    nan = np.nan
    expected = [[1, 1, 1.5, 1.25], [nan, 2, nan, 2.5], [3, 3, 2.5, nan]]
    np.testing.assert_array_equal(table.values, expected)
    assert read_table(tmp_path / "t.parquet", ["f", "h"]).values.dtype == np.float32
    values = read_table(tmp_path / "t.parquet", ["t"]).values
    np.testing.assert_array_equal(values, [[1], [nan], [0]])
    with pytest.raises(TableError, match="column 's' holds string"):
        read_table(tmp_path / "t.parquet", ["i", "s"])


def test_many_rows(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    values = np.arange(300_000, dtype=np.float32).reshape(-1, 2)
    for suffix in ("csv", "parquet"):
        write_table(tmp_path / f"t.{suffix}", values)
        np.testing.assert_array_equal(read_table(tmp_path / f"t.{suffix}").values, values)


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("", None, "expected a line of names"),
        ("\n\n", None, "expected a line of names"),
        ("a,b\n", None, "at least one row"),
        ("a,b\nx,y\n", None, "at least one numeric column.*a"),
        ("a,a\n1,2\n", None, "two columns are called 'a'"),
        ("a,b\n1,2\n", ["c"], "no column 'c'; expected some of its 2: a, b"),
        ("a,b\n1,2\n", ["a", "a"], "each only once"),
        ("a,b\n1,2\n", [], "at least one column"),
        ("a,b\n1,2\n3\n", None, r"t\.csv"),
        ("a,b\n1,2\n3,4,5\n", None, r"t\.csv"),
        ("a,b\n1,2\n3,zz\n", ["b"], "zz"),
    ],
)
def test_bad_csv(
    tmp_path: Path, content: str, columns: list[str] | None, message: str, with_pyarrow: bool
) -> None:
    if "3,4,5" in content and not with_pyarrow:
        pytest.skip("NumPy ignores further values in columns that are not read")
    with pytest.raises(TableError, match=message) as error:
        read_table(text(tmp_path, content), columns)
    assert str(tmp_path / "t.csv") in str(error.value)


def test_text_among_numbers_is_pointed_at(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = text(tmp_path, "a,b\n1,2\n3,zz\n")
    assert read_table(path).left_out == ["b"]
    with pytest.raises(TableError, match=r"column .b., row 2 of the data: .* got .zz.\. Remedy"):
        read_table(path, ["b"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"a,b\n\xff\xfe,2\n"),
        ("t.csv.gz", b"a,b\n1,2\n"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0)[:-9]),
        ("t.csv.gz", gzip.compress(b"a,b\n" + NOISE + b",1\n", mtime=0)[:9000]),
        ("t.npy", b""),
        ("t.npy", b"\x93NUMPY\x01\x00\x02\x00{}"),
        ("t.npy", b"not an array at all"),
        ("t.npy", b"PK\x03\x04 not an archive"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, with_pyarrow: bool) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"Remedy") as error:
        read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["t.arrow", "t.feather"])
def test_a_stream_of_batches_is_no_file_of_them(tmp_path: Path, name: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": [1.0, 2.0]})
    with arrow.ipc.new_stream(tmp_path / name, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(TableError, match=rf"{name}: .* a stream of record batches\. Remedy"):
        open_table(tmp_path / name)


@pytest.mark.parametrize("length", [0, 4, 100, 400])
def test_damaged_parquet(tmp_path: Path, length: int) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "t.parquet"
    write_table(path, VALUES)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(TableError, match=r"t\.parquet: expected a Parquet file"):
        read_table(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "2 dimensions"),
        (np.zeros((3, 2, 1)), "2 dimensions"),
        (np.zeros((3, 2), complex), "real numbers, got complex128"),
        (np.array([["a", "b"]]), "real numbers, got <U1"),
        (np.zeros((3, 0)), "numeric column"),
        (np.zeros((0, 3)), "at least one row|in .npy format"),
        (np.zeros(3, "f8,i4"), "real numbers"),
    ],
)
def test_bad_npy(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "t.npy", array)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / "t.npy")


def test_npy_never_runs_code(tmp_path: Path) -> None:
    np.save(tmp_path / "t.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(TableError, match="Python objects"):
        read_table(tmp_path / "t.npy")
    np.savez(tmp_path / "t.npz", a=VALUES)
    os.rename(tmp_path / "t.npz", tmp_path / "t.npy")
    with pytest.raises(TableError, match="magic string"):
        read_table(tmp_path / "t.npy")


def test_names_of_files(tmp_path: Path) -> None:
    with pytest.raises(
        TableError, match=r"ends in \.npy, \.csv, \.csv\.gz or \.parquet, got 't.xl"
    ):
        read_table(tmp_path / "t.xls")
    with pytest.raises(TableError, match=r"ends in \.npy, \.npz, "):
        write_table(tmp_path / "t", VALUES)
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "t.csv")
    write_table(tmp_path / "T.CSV", VALUES)
    assert len(read_table(tmp_path / "T.CSV").values) == 3
    os.mkdir(tmp_path / "d.csv")
    with pytest.raises(IsADirectoryError):
        read_table(tmp_path / "d.csv")


@pytest.mark.parametrize(
    ("array", "names", "message"),
    [
        (np.zeros((2, 2)), ["a"], "a name for each of 2 columns, got 1"),
        (np.zeros((2, 2)), ["a", "a"], "two columns are called 'a'"),
        (np.zeros((2, 2, 2)), None, "1 or 2 dimensions"),
    ],
)
def test_bad_output(tmp_path: Path, array: np.ndarray, names: list[str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        write_table(tmp_path / "t.csv", array, names)
    assert os.listdir(tmp_path) == []
