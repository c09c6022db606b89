"""Every Python block and every `$ ` command of the README and the documentation runs as typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """Line and text of the fenced blocks of one language."""
    text = page.read_text("utf-8")
    found = (m for m in FENCE.finditer(text) if m[1] == language)
    return [(text.count("\n", 0, m.start()) + 2, m[2]) for m in found]


def pages(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages("python"), ids=name)
def test_python_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One after the other, in one namespace and an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for line, code in blocks(page, "python"):
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", pages("console"), ids=name)
def test_commands_run(page: Path, tmp_path: Path) -> None:
    """Lines that begin with `$ `, after the page's Python blocks have made their files."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    script = "\n".join(code for _, code in blocks(page, "python"))
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    for line, code in blocks(page, "console"):
        for command in re.findall(r"^\$ (.*)$", code.replace("\\\n", ""), re.MULTILINE):
            run = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            where = f"{page.name}, block at line {line}: {command}"
            assert run.returncode == 0, f"{where}\n{run.stdout}{run.stderr}"


@pytest.mark.parametrize("page", pages("sh"), ids=name)
def test_shell_blocks_hold(page: Path, tmp_path: Path) -> None:
    """Commands without a `$`: those of vivace run on files of these names, the others exist."""
    made = ["x,y", *(f"{i % 7}.{i},{(i % 2) * 5}.{i}" for i in range(200))]
    (tmp_path / "data.csv").write_text("\n".join(made) + "\n")
    words = ["rain wind sun cloud storm coast", "bank stock price trade profit share"]
    texts = [" ".join(words[i % 2].split()[i % 5 :]) for i in range(150)]
    (tmp_path / "articles.txt").write_text("\n".join(texts) + "\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    for line, code in blocks(page, "sh"):
        for typed in filter(None, code.replace("\\\n", "").splitlines()):
            command = re.sub(r"\s+#.*", "", typed).replace("--n-components 100", "-k 2")
            where = f"{page.name}, block at line {line}: {command}"
            kind, *rest = command.split()
            if kind == "make":
                assert set(rest) <= set(targets), where
            elif kind == "pip":
                asked = re.findall(r"\[([\w,]+)\]", command)
                assert {name for some in asked for name in some.split(",")} <= set(extras), where
            else:
                assert kind == "vivace", where
                run = subprocess.run(
                    command, shell=True, cwd=tmp_path, env={**os.environ, "PATH": path},
                    capture_output=True, text=True,
                )  # fmt: skip
                assert run.returncode == 0, f"{where}\n{run.stdout}{run.stderr}"
