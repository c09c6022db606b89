"""A few short texts, and files of them."""

from __future__ import annotations

import json
from pathlib import Path

TEXTS = [
    "The cat sat on the mat with another cat",
    "Dogs and cats are pets that live with people",
    "Stocks fell on the market after the bank spoke",
    "The market rose and the bank gained on stocks",
    "Rain and wind with sun later on the coast",
] * 20
TEXTS[7] = ""


def write_documents(folder: Path) -> None:
    """Write docs.txt and docs.jsonl."""
    (folder / "docs.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    records = [json.dumps({"id": i, "body": text}) for i, text in enumerate(TEXTS)]
    (folder / "docs.jsonl").write_text("\n".join(records))
