"""The C tests of the core: built by CMake with the sanitizers, one test for each file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAMS = sorted(path.name for path in HERE.iterdir() if path.suffix in {".c", ".cpp"})
if sys.platform.startswith("linux"):
    PROGRAMS += ["fuzz_controller", "fuzz_worker"]  # on their corpus

pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake builds the C tests and is not installed")


def succeed(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def configure_and_build(folder: Path, *options: str) -> Path:
    generator = ("-G", "Ninja") if shutil.which("ninja") else ()
    succeed("cmake", "-S", ROOT, "-B", folder, *generator, "-DCMAKE_BUILD_TYPE=Debug", *options)
    succeed("cmake", "--build", folder, "--parallel", "2")
    return folder


@pytest.fixture(scope="session")
def checked_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asan")
    return configure_and_build(folder, "-DHOTPLATE_ASAN=ON", "-DHOTPLATE_UBSAN=ON")


@pytest.fixture(scope="session")
def racing_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return configure_and_build(tmp_path_factory.mktemp("tsan"), "-DHOTPLATE_TSAN=ON")


@pytest.mark.parametrize("program", PROGRAMS)
def test_passes_with_address_and_undefined_behaviour_sanitizers(checked_build: Path, program: str) -> None:
    run_ctest(checked_build, program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_passes_with_thread_sanitizer(racing_build: Path, program: str) -> None:
    run_ctest(racing_build, program)


def run_ctest(folder: Path, program: str) -> None:
    exactly = f"^{program.replace('.', '[.]')}$"
    succeed("ctest", "--test-dir", folder, "--output-on-failure", "--no-tests=error", "-R", exactly)
