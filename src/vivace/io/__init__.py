"""Files: the model file and tables. Imports nothing of the package above it."""

from vivace.io.model_file import ModelFileError, Record, load_model, read_record, save_model

__all__ = ["ModelFileError", "Record", "load_model", "read_record", "save_model"]
