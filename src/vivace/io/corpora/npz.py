"""Compressed rows in an .npz archive, as scipy.sparse.save_npz writes them; no pickle is read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array

from vivace.io.atomic import replacing
from vivace.io.container import DAMAGE
from vivace.io.corpora.corpus import Corpus, CorpusError, StrPath, problem
from vivace.io.corpora.reader import MOST, CorpusReader, NotInBlocks, Piece
from vivace.io.corpora.tokenizer import Tokenizer
from vivace.io.corpora.vocabulary import pack_words, unpack_words
from vivace.io.npy import read_array, read_head, write_array

if TYPE_CHECKING:
    from vivace.io.corpora.stream import CorpusStream

_ENTRIES = 1 << 16  # entries of a piece
_DOCUMENTS = 1 << 14  # of a stream that are written together
_MOST_PACKED = 1100  # times that zip's compression can shrink anything
_FORMATS = ("csr", "csc", "coo")


class _Shape(NamedTuple):
    """What an archive holds."""

    form: str
    n_documents: int
    n_words: int


class NpzReader(CorpusReader):
    """Reads archives of compressed rows; compressed columns and coordinates only as a whole."""

    def scan(self) -> None:
        """Read the shape, and the vocabulary if the archive has one."""
        with self._archive() as archive:
            self._head(archive)

    def read(self) -> Corpus:
        """Read all documents."""
        with self._archive() as archive:
            head = self._head(archive)
            values = self._values(_array(archive, "data"))
            shape = (head.n_documents, head.n_words)
            if head.form == "coo":
                rows = _checked(_array(archive, "row"), head.n_documents, "row")
                columns = _checked(_array(archive, "col"), head.n_words, "col")
                if not len(rows) == len(columns) == len(values):
                    raise ValueError("row, col and data differ in length")
                counts = coo_array((values, (rows, columns)), shape=shape).tocsr()
                start, indices, values = counts.indptr, counts.indices, counts.data
            else:
                by_row = head.form == "csr"
                indices = _array(archive, "indices")
                indices = _checked(indices, head.n_words if by_row else head.n_documents, "indices")
                start = _offsets(_array(archive, "indptr"), shape[0 if by_row else 1], len(indices))
                if len(values) != len(indices):
                    raise ValueError("indices and data differ in length")
                if not by_row:
                    rows = csc_array((values, indices, start), shape=shape).tocsr()
                    start, indices, values = rows.indptr, rows.indices, rows.data
        return self._corpus(Piece(start, indices, values))

    def _pieces(self) -> Iterator[Piece]:
        with self._archive() as archive:
            head = self._head(archive)
            if head.form != "csr":
                raise NotInBlocks(
                    f"{self.path}: expected compressed rows (csr), got {head.form}. Remedy: store "
                    "matrix.tocsr() with scipy.sparse.save_npz, or read the file as a whole"
                )
            with _Part(archive, "indices") as columns, _Part(archive, "data") as values:
                start = _offsets(_array(archive, "indptr"), head.n_documents, columns.length)
                if columns.length != values.length:
                    raise ValueError("indices and data differ in length")
                first = 0
                while first < head.n_documents:
                    # As many documents as hold some entries, one at the least.
                    last = int(np.searchsorted(start, start[first] + _ENTRIES, side="right")) - 1
                    last = min(max(last, first + 1), head.n_documents)
                    n = int(start[last] - start[first])
                    found = _checked(columns.read(n), head.n_words, "indices")
                    part = start[first : last + 1] - start[first]
                    yield Piece(part, found, self._values(values.read(n)))
                    first = last

    def _archive(self) -> _Archive:
        return _Archive(self.path)

    def _head(self, archive: zipfile.ZipFile) -> _Shape:
        form = _text(archive, "format")
        if form not in _FORMATS:
            raise ValueError(f"a matrix of format {form!r}; expected {', '.join(_FORMATS)}")
        shape = _array(archive, "shape")
        if shape.shape != (2,) or shape.dtype.kind not in "iu":
            raise ValueError(f"expected a shape of two whole numbers, got {shape}")
        n_documents, n_words = (int(n) for n in shape)
        if not (1 <= n_documents <= MOST and 0 <= n_words <= MOST):
            raise problem(
                self.path, None, f"expected at least one document, got shape {n_documents, n_words}"
            )
        names = archive.namelist()
        if self.vocabulary is None and "vocabulary.npy" in names:
            self.vocabulary = unpack_words(_array(archive, "vocabulary"), n_words)
        if self.vocabulary is not None and len(self.vocabulary) != n_words:
            raise problem(
                self.path,
                None,
                f"expected the {len(self.vocabulary)} words of the vocabulary, got {n_words} "
                "columns. Remedy: the vocabulary that belongs to this file",
            )
        if self.tokenizer is None and "tokenizer.npy" in names:
            settings = _array(archive, "tokenizer").astype(np.uint8).tobytes()
            self.tokenizer = Tokenizer.from_settings(json.loads(settings))
        with _Part(archive, "data") as values:
            self.n_nonzeros = values.length
        self.n_documents, self.n_words = n_documents, n_words
        return _Shape(form, n_documents, n_words)

    def _values(self, values: NDArray[Any]) -> NDArray[Any]:
        if values.ndim != 1 or values.dtype.kind not in "fiub":
            raise ValueError(f"expected real numbers, got {values.dtype} of shape {values.shape}")
        values = values.astype(self.dtype, copy=False)
        if not (np.isfinite(values).all() and values.min(initial=0) >= 0):
            bad = int(np.argmax(~(np.isfinite(values) & (values >= 0))))
            raise problem(
                self.path,
                None,
                f"expected counts that are finite and not negative, got {values[bad]} as entry "
                f"{bad}. Remedy: counts of words; a matrix of other weights is no set of documents",
            )
        return values


class _Archive(zipfile.ZipFile):
    """A zip archive that turns all damage into `CorpusError`."""

    def __init__(self, path: StrPath) -> None:
        self._path = path
        with open(path, "rb"):  # what is missing or a folder is an OSError
            pass
        try:
            super().__init__(path)
        except DAMAGE as error:
            raise self._error(error) from error

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, DAMAGE) and not isinstance(error, CorpusError):
            raise self._error(error) from error

    def _error(self, error: BaseException) -> CorpusError:
        reason = str(error) or type(error).__name__
        return problem(
            self._path,
            None,
            "expected an archive that scipy.sparse.save_npz wrote, got something else or a damaged "
            f"copy: {reason}. Remedy: copy or write it again",
        )


class _Part:
    """One array of an archive, read from its beginning in parts."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        info = _info(archive, name)
        self._file: IO[bytes] = archive.open(info)
        self._dtype, shape, _ = read_head(self._file, info.file_size)
        if len(shape) != 1:
            raise ValueError(f"expected {name} of one dimension, got shape {shape}")
        self.length = shape[0]

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, n: int) -> NDArray[Any]:
        """Return the next `n` numbers."""
        size = n * self._dtype.itemsize
        data = self._file.read(size)
        if len(data) != size:
            raise ValueError("the data end too early")
        return np.frombuffer(data, self._dtype)


def write_npz(path: StrPath, corpus: Corpus | CorpusStream) -> None:
    """Write documents so that `NpzReader` and scipy.sparse.load_npz read them.

    Those in memory are packed; those of a stream are not, as they are to be read quickly.
    """
    streamed = not isinstance(corpus, Corpus)
    counts: Any = corpus.counts if isinstance(corpus, Corpus) else corpus
    start = np.asarray(counts.start if streamed else counts.indptr)
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(b"csr"),
        "shape": np.array(counts.shape, dtype=np.int64),
        "indptr": start,
        # How scipy tells arrays from its older matrices.
        "_is_array": np.array(True),
    }
    if not streamed:
        arrays |= {"indices": counts.indices, "data": counts.data}
    if corpus.vocabulary is not None:
        arrays["vocabulary"] = pack_words(corpus.vocabulary)
    if corpus.tokenizer is not None:
        text = json.dumps(corpus.tokenizer.settings()).encode("ascii")
        arrays["tokenizer"] = np.frombuffer(text, np.uint8)
    packed = zipfile.ZIP_STORED if streamed else zipfile.ZIP_DEFLATED
    with replacing(path) as file, zipfile.ZipFile(file, "w", packed) as archive:
        for name, array in arrays.items():
            with archive.open(_new(name, packed, array.nbytes), "w") as member:
                write_array(member, array)
        if streamed:
            for i, (name, dtype) in enumerate([("indices", np.int32), ("data", counts.dtype)], 1):
                _write_stream(archive, name, np.dtype(dtype), i, counts)


def _new(name: str, packed: int, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}.npy")  # no date: the same corpus makes the same bytes
    info.compress_type = packed
    info.file_size = size + 4096
    return info


def _write_stream(
    archive: zipfile.ZipFile, name: str, dtype: np.dtype[Any], which: int, stream: CorpusStream
) -> None:
    """Write one array of a stream, a run of documents at a time."""
    size = stream.n_nonzeros * dtype.itemsize
    with archive.open(_new(name, zipfile.ZIP_STORED, size), "w") as member:
        facts = {
            "descr": npy_format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (stream.n_nonzeros,),
        }
        npy_format.write_array_header_1_0(member, facts)
        for first in range(0, len(stream), _DOCUMENTS):
            part = stream.rows(first, min(first + _DOCUMENTS, len(stream)))[which]
            member.write(np.ascontiguousarray(part, dtype).view(np.uint8).data)


def _info(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise ValueError(f"there is no {name}.npy in it") from None
    if info.file_size > _MOST_PACKED * info.compress_size + 4096:
        raise ValueError(f"{name}.npy claims more bytes than its compressed form can hold")
    return info


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    info = _info(archive, name)
    with archive.open(info) as member:
        return read_array(member, info.file_size)


def _text(archive: zipfile.ZipFile, name: str) -> str:
    """A short text, stored as an array of no dimensions."""
    info = _info(archive, name)
    if info.file_size > 4096:
        raise ValueError(f"{name}.npy is too long for the name of a format")
    with archive.open(info) as member:
        value = np.load(io.BytesIO(member.read()), allow_pickle=False)
    value = value.item() if value.shape == () else None
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


def _checked(indices: NDArray[Any], limit: int, name: str) -> NDArray[np.int32]:
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError(f"expected whole numbers in {name}, got {indices.dtype} {indices.shape}")
    if indices.size and not (indices.min() >= 0 and indices.max() < limit):
        raise ValueError(f"expected {name} from 0 to below {limit}")
    return indices.astype(np.int32, copy=False)


def _offsets(start: NDArray[Any], n_rows: int, n_entries: int) -> NDArray[np.int64]:
    if start.shape != (n_rows + 1,) or start.dtype.kind not in "iu":
        raise ValueError(f"expected {n_rows + 1} whole numbers in indptr, got shape {start.shape}")
    start = start.astype(np.int64)
    if start[0] != 0 or start[-1] != n_entries or (start[1:] < start[:-1]).any():
        raise ValueError(f"expected offsets that rise from 0 to {n_entries} in indptr")
    return start
