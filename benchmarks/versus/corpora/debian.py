"""Long descriptions of Debian's packages, from the lists that apt keeps.

Two corpora that differ in the split alone. In "deb" all packages made from one source are on one
side of it. In "deb-packages" each package is drawn for itself, so that many a test document has a
sibling among the training documents (a library's -dev and -doc packages, say, whose descriptions
share sentences): held-out levels are some 0.13 nats a token higher, as are published levels that
were made so, and topics that remember single documents gain. Levels of the two do not compare.

Fetch the English lists first: `apt-get -o Acquire::Languages=en update`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.versus.corpora import Corpus
from benchmarks.versus.corpora.words import corpus_of, tokens

ENGLISH = ("-o", "Acquire::Languages=en")
FIELD = "\nDescription-en: "
SOURCE = re.compile(r"^Package: (\S+)\n(?:.+\n)*?Source: (\S+)", re.MULTILINE)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise RuntimeError(f"the corpus wants {command[0]}, of Debian and its kin") from error
    return done.stdout


def _lists(kind: str) -> Iterator[str]:
    """Yield the text of apt's lists of a kind, unpacked by apt's own helper."""
    wanted = f"Created-By: {kind}"
    files = _run("apt-get", *ENGLISH, "indextargets", "--format", "$(FILENAME)", wanted)
    methods = _run("apt-config", "shell", "FOLDER", "Dir::Bin::methods/d").split("'")[1]
    helper = Path(methods).parent / "apt-helper"
    if not files.strip():
        raise RuntimeError(f"apt has no {kind}: run apt-get -o Acquire::Languages=en update")
    for file in files.splitlines():
        yield _run(str(helper), "cat-file", file)


def _descriptions() -> dict[str, str]:
    """Return the long description of each package, without its first, short line."""
    found: dict[str, str] = {}
    for text in _lists("Translations"):
        for stanza in text.split("\n\n"):
            package = stanza.lstrip().partition("\n")[0].removeprefix("Package: ")
            description = stanza.partition(FIELD)[2]
            if description:
                found.setdefault(package, description.partition("\n")[2])
    return found


def _sources() -> dict[str, str]:
    """Return the source of each package whose source has another name."""
    found: dict[str, str] = {}
    for text in _lists("Packages"):
        for match in SOURCE.finditer(text):
            found.setdefault(match[1], match[2])
    return found


def build(name: str) -> Corpus:
    """Return the descriptions, split by source ("deb") or by package ("deb-packages")."""
    source = {} if name == "deb-packages" else _sources()
    pairs = ((source.get(package, package), tokens(t)) for package, t in _descriptions().items())
    return corpus_of(name, pairs)
