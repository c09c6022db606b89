"""Reading documents: a tenth of the corpus of `python -m benchmarks.readers`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks import readers


class Read:
    """Each format as a whole and in blocks, one thread."""

    params = (["a.docword", "a.svmlight", "a.mtx", "a.npz", "a.txt"],)
    param_names = ("file",)
    number = 1
    warmup_time = 0.0
    timer = time.process_time

    def setup(self, name: str) -> None:
        import vivace.io  # noqa: F401 (not to be timed)

        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        readers.write(folder, readers.corpus()[:4000])
        self.path = folder / name

    def teardown(self, name: str) -> None:
        self.folder.cleanup()

    def time_read(self, name: str) -> None:
        from vivace.io import read_corpus

        read_corpus(self.path)

    def time_blocks(self, name: str) -> None:
        from vivace.io import open_corpus

        for _ in open_corpus(self.path).blocks(500):
            pass
