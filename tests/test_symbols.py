"""What the linker may do with the kernels, and what loading the module does to the process.

Every kernel is compiled once for each instruction set. A weak symbol (an inline function or a
template outside the instruction set's own namespace) would let the linker keep one copy of it,
perhaps the AVX-512 one, for all.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vivace import _core

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(shutil.which("nm") is None, reason="nm is not installed")


def run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def object_files(build: Path) -> list[Path]:
    return sorted(build.glob("CMakeFiles/kernels_*.dir/**/*.o"))


def is_current(objects: list[Path]) -> bool:
    sources = [*(ROOT / "cpp").rglob("*.?pp"), ROOT / "CMakeLists.txt"]
    kernels = len(list((ROOT / "cpp" / "kernels").glob("*.cpp")))
    newest = max(path.stat().st_mtime for path in sources)
    return len(objects) >= kernels and min(path.stat().st_mtime for path in objects) >= newest


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of the installed build, where newer than the sources; else of a build made here."""
    for build in ROOT.glob("build/cp*"):
        found = object_files(build)
        if found and is_current(found):
            return found
    if shutil.which("cmake") is None:
        pytest.skip("no build tree newer than the sources, and cmake is not installed")
    build = tmp_path_factory.mktemp("objects")
    run("cmake", "-S", ROOT, "-B", build, "-DVIVACE_PYTHON=OFF")
    run("cmake", "--build", build, "--parallel", "2")
    return object_files(build)


def symbols(path: Path, *options: str) -> list[tuple[str, str]]:
    """Type letter and demangled name of each symbol."""
    lines = run("nm", "-C", *options, path).splitlines()
    return [(line[17], line[19:]) for line in lines if len(line) > 19]


def test_kernel_objects_have_no_weak_symbols(objects: list[Path]) -> None:
    assert objects
    weak = [f"{path}: {name}" for path in objects for kind, name in symbols(path) if kind in "WVu"]
    assert not weak, "\n".join(weak)


def test_kernel_objects_define_only_names_of_their_namespace(objects: list[Path]) -> None:
    for path in objects:
        folder = next(part for part in path.parts if part.startswith("kernels_"))
        namespace = "isa_" + folder.removeprefix("kernels_").removesuffix(".dir")
        defined = symbols(path, "--defined-only", "--extern-only")
        stray = [name for _, name in defined if namespace not in name]
        assert not stray, f"{path.name} for {namespace}: {stray}"


@pytest.mark.skipif(sys.platform != "linux", reason="ELF")
def test_module_exports_nothing_of_its_own_but_the_entry_point() -> None:
    names = [name for _, name in symbols(Path(_core.__file__), "--dynamic", "--defined-only")]
    assert "PyInit__core" in names
    assert not [name for name in names if "vivace" in name]


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("readelf") is None, reason="ELF")
def test_module_needs_no_openmp_runtime() -> None:
    needed = [
        line for line in run("readelf", "-d", _core.__file__).splitlines() if "NEEDED" in line
    ]
    assert needed
    assert not [line for line in needed if "omp" in line.lower()]


def test_loading_the_module_keeps_subnormal_numbers() -> None:
    """A library linked with -ffast-math would have turned them off for the whole process."""
    code = "import vivace._core; x = 2.2250738585072014e-308; assert x / 4 > 0 and x / 4 * 4 == x"
    run(sys.executable, "-c", code)
