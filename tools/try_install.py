"""Install each given wheel or sdist into a clean virtual environment and run tools/smoke.py there.

python tools/try_install.py dist/*.whl dist/*.tar.gz
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

SMOKE = Path(__file__).with_name("smoke.py")


def main() -> None:
    for archive in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:  # far from the source tree
            venv.create(folder, with_pip=True)
            python = str(Path(folder) / "bin" / "python")
            target = f"{Path(archive).resolve()}[cli]"
            subprocess.run([python, "-m", "pip", "install", "--quiet", target], check=True)
            print(f"{archive}: installed", flush=True)
            shutil.copy(SMOKE, folder)
            subprocess.run([python, "smoke.py"], cwd=folder, check=True)
            vivace = Path(folder) / "bin" / "vivace"
            subprocess.run([vivace, "--help"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            print(f"{archive}: works", flush=True)


if __name__ == "__main__":
    main()
