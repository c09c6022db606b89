"""Print the requirements of pyproject.toml's groups, one word each, for a shell to pass to pip.

python tools/requirements.py build               what builds the package
python tools/requirements.py --lowest run test   the rest, pinned to the lower bounds
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))


def requirements(group: str) -> list[str]:
    """Requirements of `build`, `run` or one extra; the package's own extras are left out."""
    project = PYPROJECT["project"]
    if group == "build":
        found = PYPROJECT["build-system"]["requires"]
    elif group == "run":
        found = project["dependencies"]
    else:
        found = project["optional-dependencies"][group]
    return [line for line in found if not line.startswith(project["name"] + "[")]


def main() -> None:
    groups = [word for word in sys.argv[1:] if word != "--lowest"]
    found = [line for group in groups for line in requirements(group)]
    if "--lowest" in sys.argv:
        found = [re.sub(r">=\s*", "==", line) for line in found]
    print(" ".join(found))


if __name__ == "__main__":
    main()
