"""Dependencies point one way, files stay short, and importing the package stays cheap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "vivace"
MAX_LINES = 400


def arrows() -> dict[str, set[str]]:
    """What each part may import: the arrows of docs/architecture.md, followed to their ends."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = text.split("tests/test_architecture.py):", 1)[1].split("\n## ", 1)[0]
    direct: dict[str, set[str]] = {}
    for line in block.splitlines():
        parts = [re.findall(r"\w+", part) for part in line.split("->")]
        for uppers, lowers in pairwise(parts):
            for upper in uppers:
                direct.setdefault(upper, set()).update(lowers)
            for lower in lowers:
                direct.setdefault(lower, set())
    assert "mixture" in direct, "no arrows found in docs/architecture.md"

    def reach(part: str, seen: frozenset[str]) -> frozenset[str]:
        for lower in direct[part] - seen:
            seen = reach(lower, seen | {lower})
        return seen

    return {part: set(reach(part, frozenset())) for part in direct}


def part_of(module: str) -> str:
    """`vivace.engine.run` -> `engine`; the package itself -> ``."""
    return module.split(".")[1] if "." in module else ""


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def nodes(tree: ast.AST, type_checking: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if type_checking or not is_type_checking(child):
            yield child
            yield from nodes(child, type_checking)


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every import of vivace in a file, those in functions too."""
    package = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts[:-1])
    # The package's own __init__ names everything for type checkers, and imports on demand.
    type_checking = path != SOURCE / "__init__.py"
    for node in nodes(ast.parse(path.read_text("utf-8")), type_checking):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*up, *filter(None, [node.module])]) if node.level else str(node.module)
            names = [base if "." in base else f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "vivace":
                yield node.lineno, name


def python_files(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py*"))
    return sorted(path for path in found if path.suffix in {".py", ".pyi"})


def utilities() -> list[str]:
    """Single modules beside the parts."""
    return sorted(path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__")


def reached(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, name and part of what a file imports; utility modules count as what they import."""
    for line, name in imported(path):
        part = part_of(name)
        if part in utilities():
            yield from ((line, name, deeper) for _, _, deeper in reached(SOURCE / f"{part}.py"))
        elif part == "_core" or (part and (SOURCE / part / "__init__.py").exists()):
            yield line, name, part
        else:  # the package itself, whose lazy names come from the top
            yield line, name, "mixture"


@pytest.mark.parametrize("path", python_files("src"), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    own = path.relative_to(SOURCE).parts[0].split(".")[0]
    if own in {"__init__", *utilities()}:
        return  # what they import is charged to the parts that import them
    allowed = arrows()
    assert own in allowed, f"docs/architecture.md gives no arrow for {own}"
    bad = [
        f"{path.relative_to(ROOT)}:{line}: {own} imports {name} ({part})"
        for line, name, part in reached(path)
        if part not in allowed[own] | {own}
    ]
    assert not bad, "\n".join(bad)


def test_source_files_are_short() -> None:
    cpp = [p for p in (ROOT / "cpp").rglob("*") if p.suffix in {".cpp", ".hpp"}]
    files = [*python_files("src", "tests", "benchmarks", "tools", "docs"), *cpp]
    lengths = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in files}
    long = {name: n for name, n in lengths.items() if n > MAX_LINES}
    assert not long, f"over {MAX_LINES} lines: {long}"


NEVER = {"click", "matplotlib", "numba", "polars", "tqdm"}
HEAVY = NEVER | {"joblib", "numpy", "pandas", "pyarrow", "scipy", "sklearn"}


@pytest.mark.parametrize(
    ("statement", "may_load"),
    [
        ("import vivace", set()),
        ("import vivace.cli", {"click"}),
        # scikit-learn brings what it likes
        ("from vivace import BayesianGaussianMixture", HEAVY - NEVER),
    ],
)
def test_import_loads_nothing_heavy(statement: str, may_load: set[str]) -> None:
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in run.stdout.split()}
    assert loaded & HEAVY <= may_load
