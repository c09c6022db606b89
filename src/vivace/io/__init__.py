"""Files: the model file and tables. Imports nothing of the package above it."""

from vivace.io.model_file import ModelFileError, Record, load_model, read_record, save_model
from vivace.io.table import Table, TableError
from vivace.io.tables import read_table, write_table

__all__ = [
    "ModelFileError",
    "Record",
    "Table",
    "TableError",
    "load_model",
    "read_record",
    "read_table",
    "save_model",
    "write_table",
]
