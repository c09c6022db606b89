"""Files: the model file, tables and documents. Imports nothing of the package above it."""

from vivace.io.corpora import (
    Corpus,
    CorpusError,
    CorpusReader,
    CorpusStream,
    Tokenizer,
    corpus_of_texts,
    open_corpus,
    open_documents,
    read_corpus,
    read_vocabulary,
    write_corpus,
    write_vocabulary,
)
from vivace.io.frame_stream import FrameStream, open_frame
from vivace.io.model_file import ModelFileError, Record, load_model, read_record, save_model
from vivace.io.open_table import open_table
from vivace.io.stream import TableStream
from vivace.io.table import Table, TableError
from vivace.io.tables import read_table, write_table

__all__ = [
    "Corpus",
    "CorpusError",
    "CorpusReader",
    "CorpusStream",
    "FrameStream",
    "ModelFileError",
    "Record",
    "Table",
    "TableError",
    "TableStream",
    "Tokenizer",
    "corpus_of_texts",
    "load_model",
    "open_corpus",
    "open_documents",
    "open_frame",
    "open_table",
    "read_corpus",
    "read_record",
    "read_table",
    "read_vocabulary",
    "save_model",
    "write_corpus",
    "write_table",
    "write_vocabulary",
]
