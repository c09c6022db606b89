"""One self-contained page about a fitted model: pictures, tables, and a map of topics.

The page loads nothing from anywhere, stays below 1 MB, has a light and a dark form, and can be read
on a phone and printed. jinja2 and matplotlib (``pip install 'vivace[report]'``) are imported when a
page is made.
"""

from __future__ import annotations

from vivace.report._data import DocumentSample, RowSample
from vivace.report._write import make_report, write_report

__all__ = ["DocumentSample", "RowSample", "make_report", "write_report"]
