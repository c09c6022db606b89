"""Damaged and hostile model files end in ModelFileError, quickly, and take no memory."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivace.io import ModelFileError, read_record
from vivace.io.container import write_container

HEADER: dict[str, Any] = {
    "format": "vivace-model",
    "format_version": 1,
    "class": "BayesianGaussianMixture",
    "versions": {"numpy": "2.0"},
    "arrays": ["weights", "means"],
    "meta": {"parameters": {"n_components": 3, "tol": 1e-7}, "names": ["a", "b"]},
}
ARRAYS = {"weights": np.arange(3.0), "means": np.arange(6.0, dtype=np.float32).reshape(3, 2)}


def good() -> bytes:
    file = io.BytesIO()
    write_container(file, HEADER, ARRAYS)
    return file.getvalue()


GOOD = good()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npy_header(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    width = "<H" if version == b"\x01\x00" else "<I"
    body = text.encode("latin-1")
    return b"\x93NUMPY" + version + struct.pack(width, len(body)) + body + data


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return file.getvalue()


def members(**changes: Any) -> dict[str, bytes]:
    header = json.dumps({**HEADER, **changes}).encode()
    return {
        "header.json": header,
        "arrays/weights.npy": npy(ARRAYS["weights"]),
        "arrays/means.npy": npy(ARRAYS["means"]),
    }


def refused(path: Path, content: bytes) -> str:
    """Check that the file is refused and that little memory was taken; return the message."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError) as error:
            read_record(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000 + 20 * len(content)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value)


def test_the_samples_are_good(tmp_path: Path) -> None:
    for content in (GOOD, archive(members())):
        (tmp_path / "m").write_bytes(content)
        record = read_record(tmp_path / "m")
        assert record.meta == HEADER["meta"]
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(record.arrays[name], array)


def test_truncated_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "m"
    for length in range(len(GOOD)):
        path.write_bytes(GOOD[:length])
        with pytest.raises(ModelFileError):
            read_record(path)


def test_flipped_bits(tmp_path: Path) -> None:
    """Every byte in turn: refused, or what was flipped carries no meaning (a date in the zip)."""
    path = tmp_path / "m"
    silent = 0
    for position in range(len(GOOD)):
        bad = bytearray(GOOD)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        try:
            record = read_record(path)
        except ModelFileError:
            continue
        silent += 1
        assert record.meta == HEADER["meta"]
        for name, array in ARRAYS.items():
            assert record.arrays[name].tobytes() == array.tobytes()
    assert silent < 0.15 * len(GOOD)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.data())
def test_mangled_files(tmp_path: Path, data: st.DataObject) -> None:
    """Overwritten, inserted and removed runs of bytes."""
    path = tmp_path / "m"
    start = data.draw(st.integers(0, len(GOOD)))
    stop = data.draw(st.integers(start, min(len(GOOD), start + 40)))
    bad = GOOD[:start] + data.draw(st.binary(max_size=40)) + GOOD[stop:]
    path.write_bytes(bad)
    try:
        record = read_record(path)
    except ModelFileError:
        return
    for name, array in ARRAYS.items():
        assert record.arrays[name].tobytes() == array.tobytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_random_bytes(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path / "m", content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120))
def test_random_array_members(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path / "m", archive({**members(), "arrays/means.npy": content}))
    start = b"\x93NUMPY\x01\x00"
    refused(tmp_path / "m", archive({**members(), "arrays/means.npy": start + content}))


FULL = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n"


@pytest.mark.parametrize(
    "member",
    [
        npy(np.array([None])),
        npy(np.zeros(2, "f8,i4")),
        npy(np.array(["text"])),
        npy(np.zeros(3, "M8[s]")),
        npy(np.zeros(2))[:-1],
        npy(np.zeros(2)) + b"\0",
        npy_header(FULL % "1000000000000, "),
        npy_header(FULL % "4, 4294967296, 4294967296"),
        npy_header(FULL % "0, 18446744073709551616"),
        npy_header(FULL % ", ".join(["0"] * 40)),
        npy_header(FULL % ("9" * 3000 + ",")),
        npy_header(FULL % "-1,"),
        npy_header(FULL % "2.5,"),
        npy_header(FULL % "2,", b"\0" * 16).replace(b"<f8", b"|O8"),
        npy_header(FULL % "2,", b"\0" * 32).replace(b"<f8", b"f16"),
        npy_header("{'descr': '<f8', 'shape': ()}"),
        npy_header("__import__('os').system('touch /tmp/owned')"),
        npy_header("(" * 1000 + ")" * 1000),
        npy_header(" " * 60_000),
        npy_header(" " * 5000, version=b"\x02\x00"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        npy_header(FULL % "2,", b"\0" * 16, version=b"\x03\x00"),
        npy_header(FULL.replace("<f8", "|b1") % "3,", b"\0\1\2"),
    ],
)
def test_hostile_arrays(tmp_path: Path, member: bytes) -> None:
    message = refused(tmp_path / "m", archive({**members(), "arrays/means.npy": member}))
    assert "array 'means'" in message


def without(name: str) -> dict[str, bytes]:
    result = members()
    del result[name]
    return result


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a zip file"),
        (npy(np.zeros(2)), "not a zip file"),
        (archive({}), "no header.json"),
        (archive(without("header.json")), "no header.json"),
        (archive(without("arrays/means.npy")), "lists"),
        (archive({**members(), "arrays/more.npy": npy(np.zeros(1))}), "lists"),
        (archive({**members(), "/etc/x.npy": b""}), "unexpected member"),
        (archive({**members(), "arrays/../x.npy": b""}), "unexpected member"),
        (archive({**members(), "arrays/x\n.npy": b""}), "unexpected member"),
        (archive(members(), zipfile.ZIP_DEFLATED), "compressed"),
        (archive(members(), zipfile.ZIP_LZMA), "compressed"),
        (archive({**members(), "header.json": b"[" * 100_000}), "recursion|Expecting"),
        (archive({**members(), "header.json": b'{"a": 1, "a": 2}'}), "twice"),
        (archive({**members(), "header.json": b'{"a": NaN}'}), "NaN"),
        (archive({**members(), "header.json": b'{"a": ' + b"9" * 10_000 + b"}"}), "digits"),
        (archive({**members(), "header.json": b"\xff\xfe"}), "decode"),
        (archive({**members(), "header.json": b"[]"}), "no object"),
        (archive({**members(), "header.json": b"{}"}), "not that of a model"),
        (archive(members(format="other")), "not that of a model"),
        (archive(members(format_version="1")), "format version '1'"),
        (archive(members(format_version=True)), "format version True"),
        (archive(members(format_version=0)), "format version 0"),
        (archive(members(format_version=2)), "update vivace"),
        (archive(members(**{"class": None})), "lacks"),
        (archive(members(versions=[])), "lacks"),
        (archive(members(versions={"a": 1})), "lacks"),
        (archive(members(meta=[])), "lacks"),
        (archive(members(notes=[])), "lacks"),
        (archive(members(notes={"$float": "nan"})), "fit"),
        (archive(members(arrays={"weights": 1, "means": 2})), "lists"),
        (archive(members(arrays=[1, 2])), "lists"),
        (archive(members(meta={"$tuple": []})), "fit"),
        (archive(members(meta={"a": {"$array": "gone"}})), "unknown value"),
        (archive(members(meta={"a": {"$array": ["means"]}})), "unknown value"),
        (archive(members(meta={"a": {"$float": "1.0"}})), "unknown value"),
        (archive(members(meta={"a": {"$float": "nan", "b": 1}})), "unknown value"),
        (archive(members(meta={"a": {"$tuple": 3}})), "unknown value"),
        (archive(members(meta={"a": {"$code": "print()"}})), "unknown value"),
        (archive(members(meta={"a": {"$random_state": {}}})), "random generator"),
        (archive(members(meta={"a": {"$random_state": {"$float": "nan"}}})), "random generator"),
    ],
)
def test_hostile_archives(tmp_path: Path, content: bytes, message: str) -> None:
    found = refused(tmp_path / "m", content)
    assert any(part in found for part in message.split("|"))


def state(**changes: Any) -> dict[str, Any]:
    key = np.random.RandomState(0).get_state(legacy=False)["state"]["key"]
    good = {"key": key, "pos": 624, "has_gauss": 0, "gauss": 0.0}
    return {**good, **changes}


@pytest.mark.parametrize(
    "bad",
    [
        state(pos=625),
        state(pos=-1),
        state(pos=10**30),
        state(pos=True),
        state(has_gauss=2),
        state(gauss="0"),
        state(key=np.zeros(623, np.uint32)),
        state(key=np.zeros(624, np.int64)),
        state(key=[0] * 624),
    ],
)
def test_hostile_random_state(tmp_path: Path, bad: dict[str, Any]) -> None:
    arrays = dict(ARRAYS)
    if isinstance(bad["key"], np.ndarray):
        arrays["meta.key"] = bad["key"]
        bad["key"] = {"$array": "meta.key"}
    header = {**HEADER, "arrays": list(arrays), "meta": {"r": {"$random_state": bad}}}
    file = io.BytesIO()
    write_container(file, header, arrays)
    assert "random generator" in refused(tmp_path / "m", file.getvalue())


def test_duplicate_members(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name, data in members().items():
            out.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("arrays/means.npy", npy(np.zeros(2)))
    assert "twice" in refused(tmp_path / "m", file.getvalue())


def test_overlapping_members(tmp_path: Path) -> None:
    """Many directory entries that point at one large member (a zip bomb without compression)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("header.json", b"{}")
        out.writestr("arrays/a.npy", npy(np.zeros(10_000)))
        first = out.infolist()[1]
        for i in range(500):
            copy = zipfile.ZipInfo(f"arrays/a{i}.npy")
            for field in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(copy, field, getattr(first, field))
            out.filelist.append(copy)
    assert "overlaps" in refused(tmp_path / "m", file.getvalue())


def test_claimed_sizes(tmp_path: Path) -> None:
    """A directory that claims four gigabytes for a member."""
    position = GOOD.rindex(b"PK\x01\x02") + 20
    bad = bytearray(GOOD)
    bad[position : position + 8] = struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0)
    assert "longer than the file" in refused(tmp_path / "m", bytes(bad))


def test_encrypted_member(tmp_path: Path) -> None:
    bad = bytearray(GOOD)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        bad[bad.index(signature) + offset] |= 1
    assert "encrypted" in refused(tmp_path / "m", bytes(bad))


def test_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="a folder"):
        read_record(tmp_path)
    with pytest.raises(ModelFileError, match="a device"):
        read_record("/dev/zero")
    with pytest.raises(FileNotFoundError):
        read_record(tmp_path / "missing")
