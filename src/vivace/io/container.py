"""The zip archive of a model file: a JSON header and arrays, checked member by member."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from typing import IO, Any

from vivace.io.npy import DTYPES, read_array, write_array
from vivace.io.values import Arrays

HEADER = "header.json"

_MEMBER = re.compile(r"arrays/([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\.npy")
_MAX_NAME = 100
_MAX_MEMBERS = 10_000  # far above any model; keeps a hostile directory short
_MAX_HEADER = 16 << 20  # bytes of JSON; room for the names of 500,000 columns
_LOCAL_HEADER = 30  # bytes of a zip member's own header before its name
_NPY_HEADER = 4096  # at least the bytes of an .npy header

# What zipfile and json raise on bytes that are no zip archive or no JSON.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    ArithmeticError,
    RuntimeError,  # RecursionError; encrypted members
    ValueError,
    LookupError,
    EOFError,
    OSError,
)


def write_container(file: IO[bytes], header: dict[str, Any], arrays: Arrays) -> None:
    """Write `header` and `arrays` to `file`.

    Raises
    ------
    ValueError
        A name, a type or a size that the format does not allow.
    """
    text = json.dumps(header, indent=1, allow_nan=False).encode("ascii")
    if len(text) > _MAX_HEADER or len(arrays) >= _MAX_MEMBERS:
        raise ValueError(
            f"expected at most {_MAX_HEADER} bytes of metadata and {_MAX_MEMBERS - 1} arrays, "
            f"got {len(text)} and {len(arrays)}"
        )
    for name, array in arrays.items():
        if not _MEMBER.fullmatch(f"arrays/{name}.npy") or len(name) > _MAX_NAME:
            raise ValueError(
                f"array {name[:_MAX_NAME]!r}: expected a name of letters, digits, _ and ."
            )
        if array.dtype not in DTYPES:
            raise ValueError(
                f"array {name!r}: expected truth values or numbers of at most 8 bytes (complex: "
                f"16), got {array.dtype}. Remedy: convert it with astype"
            )
    with zipfile.ZipFile(file, "w") as archive:
        with archive.open(_member(HEADER, len(text)), "w") as member:
            member.write(text)
        for name, array in arrays.items():
            info = _member(f"arrays/{name}.npy", array.nbytes + _NPY_HEADER)
            with archive.open(info, "w") as member:
                write_array(member, array)


def _member(name: str, size: int) -> zipfile.ZipInfo:
    """Describe a member; no date, so that the same model makes the same bytes."""
    info = zipfile.ZipInfo(name)
    info.file_size = size  # an upper bound: decides on the form for large members
    info.external_attr = 0o644 << 16
    return info


def read_header(archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, zipfile.ZipInfo]]:
    """Return the JSON header and the members that hold arrays, by name of the array.

    Raises
    ------
    Exception
        One of `DAMAGE`.
    """
    members = _members(archive)
    info = members.pop(HEADER, None)
    if info is None or info.file_size > _MAX_HEADER:
        raise ValueError(f"no {HEADER} of at most {_MAX_HEADER} bytes")
    with archive.open(info) as member:
        text = io.TextIOWrapper(member, encoding="utf-8").read()
    header = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    if not isinstance(header, dict):
        raise ValueError(f"{HEADER} holds no object")
    return header, {name[len("arrays/") : -len(".npy")]: members[name] for name in members}


def read_arrays(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Arrays:
    """Read the arrays; no more memory is taken than the file has bytes.

    Raises
    ------
    Exception
        One of `DAMAGE`.
    """
    arrays: Arrays = {}
    for name, info in members.items():
        with archive.open(info) as member:
            try:
                arrays[name] = read_array(member, info.file_size)
            except ValueError as error:
                raise ValueError(f"array {name!r}: {error}") from error
    return arrays


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, after checks that do not depend on their content."""
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise ValueError(f"{len(infos)} members; expected at most {_MAX_MEMBERS}")
    members: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        name = info.filename
        if name != HEADER and not _MEMBER.fullmatch(name):
            raise ValueError(f"unexpected member {name[:120]!r}")
        if name in members:
            raise ValueError(f"{name!r} occurs twice")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"{name!r} is compressed, which no model file is")
        # Members that overlap could claim more memory than the file has bytes.
        if info.header_offset < end:
            raise ValueError(f"{name!r} overlaps another member")
        end = info.header_offset + _LOCAL_HEADER + len(name) + info.file_size
        members[name] = info
    if end > archive.start_dir:
        raise ValueError("a member is longer than the file")
    return members


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError(f"a name occurs twice in {HEADER}")
    return result


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} in {HEADER}")
