"""Text files of any size, compressed by gzip or not, in chunks of whole lines."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any, Self, cast

from vivace.io.corpora.corpus import CorpusError, StrPath, problem

# Bytes read at a time: what is made of them fits the second-level cache.
CHUNK = 1 << 18
# A longer line is no document: most likely the file is of another kind.
LONGEST_LINE = 1 << 28
_GZIP = b"\x1f\x8b"


class Lines:
    """The lines of a file, or of standard input where the path is "-"; use it as a context.

    Gzip is recognised by its first bytes.

    Attributes
    ----------
    path : str or path-like
        The file.
    line : int
        Lines handed out so far; the reader of chunks counts its own.
    """

    def __init__(self, path: StrPath) -> None:
        self.path = path
        self.line = 0
        self._stack = contextlib.ExitStack()
        self._file: IO[bytes] = io.BytesIO()

    def __enter__(self) -> Self:
        with self._stack:
            raw = self._open()
            start = raw.peek(2)[:2]
            packed = start == _GZIP
            self._file = raw
            if packed:
                self._file = cast(IO[bytes], self._stack.enter_context(gzip.open(raw)))
            self._stack = self._stack.pop_all()
        return self

    def _open(self) -> io.BufferedReader:
        if os.fspath(self.path) == "-":
            return cast(io.BufferedReader, sys.stdin.buffer)
        if stat.S_ISDIR(os.stat(self.path).st_mode):
            raise problem(self.path, None, "expected a file, got a folder")
        return self._stack.enter_context(open(self.path, "rb"))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def error(self, what: str, line: int | None = None) -> CorpusError:
        """Return the error for a line, by default the last one handed out."""
        return problem(self.path, self.line if line is None else line, what)

    def head(self) -> bytes:
        """Return one line of the file's head without its end; empty at the end of the file."""
        line = self._guarded(self._file.readline, 1 << 16)
        self.line += 1
        return cast(bytes, line).rstrip(b"\r\n")

    def size(self) -> int:
        """Bytes of the file as it is stored; 0 where that is not known."""
        if os.fspath(self.path) == "-":
            return 0
        return os.stat(self.path).st_size

    def more(self) -> bool:
        """Whether there is anything left to read."""
        return bool(self._guarded(self._file.peek, 1))  # type: ignore[attr-defined]

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the rest in chunks of whole lines; the last is given a line end if it lacks one."""
        while data := self._guarded(self._file.read, size):
            if not data.endswith(b"\n"):
                data += self._guarded(self._file.readline, LONGEST_LINE)
                if not data.endswith(b"\n"):
                    if len(data) > LONGEST_LINE:
                        raise self._too_long()
                    data += b"\n"
            yield data

    def views(self, size: int = CHUNK) -> Iterator[memoryview]:
        """Yield the rest as `chunks` does, in memory that is used again: each holds until the next.

        The buffer stays in the second-level cache, and what is read is copied once.
        """
        buffer, held = bytearray(2 * size), 0
        into = self._file.readinto  # type: ignore[attr-defined]
        while n := self._guarded(into, memoryview(buffer)[held : held + size]):
            end = buffer.rfind(b"\n", held, held + n) + 1
            held += n
            if end:
                yield memoryview(buffer)[:end]
                buffer[: held - end] = buffer[end:held]
                held -= end
            if held > LONGEST_LINE:
                raise self._too_long()
            if held + size > len(buffer):
                buffer = buffer + bytes(len(buffer))
        if held:
            yield memoryview(buffer[:held] + b"\n")

    def _too_long(self) -> CorpusError:
        what = f"expected lines of text, got one of over {LONGEST_LINE} bytes"
        return problem(self.path, None, what)

    def _guarded(self, read: Any, size: Any) -> Any:
        try:
            return read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise problem(
                self.path,
                None,
                f"expected data compressed by gzip, got a damaged or cut copy ({error}). Remedy: "
                "copy the file again",
            ) from error
