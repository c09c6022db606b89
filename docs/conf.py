"""Settings of the documentation: `make docs` builds it, and a warning is an error."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version as installed_version
from pathlib import Path

project = "vivace"
author = "vivace developers"
copyright = "2026, vivace developers"
version = release = installed_version("vivace")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter lists say it
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"vivace {release}"


def escape_names(app, what, name, obj, options, lines):
    """Let docstrings say `weights_` and |x|, which docutils reads as references."""
    for i, line in enumerate(lines):
        outside_backticks = re.split(r"(`+[^`]*`+)", line)
        outside_backticks[::2] = [
            re.sub(r"(?<![\w\\])([A-Za-z]\w*)_(?!\w)", r"\1\\_", part).replace("|", r"\|")
            for part in outside_backticks[::2]
        ]
        lines[i] = "".join(outside_backticks)


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's base classes add: its own manual explains it."""
    foreign = (getattr(obj, "__module__", None) or "").startswith("sklearn.")
    return True if foreign or re.fullmatch(r"set_\w+_request", name) else None


def draw_pictures(app):
    """Draw the pictures of a page by the page's own lines, in an empty folder."""
    page = Path(app.srcdir) / "guide" / "reports.md"
    folder = page.parent / "pictures"
    drawn = sorted(folder.glob("*.png"))
    if drawn and drawn[0].stat().st_mtime > page.stat().st_mtime:
        return
    code = "".join(re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S))
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "MPLBACKEND": "agg"}
        subprocess.run([sys.executable, "-c", code], cwd=empty, env=environment, check=True)
        for picture in Path(empty).glob("*.png"):
            shutil.copy(picture, folder / picture.name)


def setup(app):
    app.connect("builder-inited", draw_pictures)
    app.connect("autodoc-process-docstring", escape_names, priority=900)  # after numpydoc
    app.connect("autodoc-skip-member", skip_foreign)
