"""AddressSanitizer and UBSan watch the core and the cells while the examples run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
EXAMPLES = ["heat.c", "heat2d.c", "nbody.c", "mandelbrot.cpp", "kmers.cpp", "compress.c", "montecarlo.c"]

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="needs gcc and its sanitizers on Linux"
)


@pytest.fixture(scope="module")
def sanitized_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package whose native core is built with the sanitizers; the folder to put on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("sanitized")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("_native*.so", "__pycache__"))
    shutil.copytree(ROOT / "csrc", folder / "src" / "hotplate" / "csrc")
    spec = importlib.util.spec_from_file_location("hotplate_build_script", ROOT / "build.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    generated = folder / "_native.c"
    script.ffibuilder().emit_c_code(str(generated))
    includes = ["csrc", "csrc/include", sysconfig.get_path("include")]
    subprocess.run(
        [
            *["gcc", "-std=gnu11", "-O1", "-g", "-fPIC", "-shared", "-pthread", *SANITIZE],
            f"-DPy_LIMITED_API={script.LIMITED_API}",
            *[f"-I{path}" for path in includes],
            *[str(generated), *map(str, script.core_sources(sys.platform))],
            *["-o", str(folder / "src" / "hotplate" / "_native.abi3.so")],
        ],
        cwd=ROOT,
        check=True,
    )
    return folder / "src"


def _run(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    libraries = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(package),
        "LD_PRELOAD": ":".join(libraries),
        # CPython keeps what it allocates until it ends, which counts as leaked.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    script = "from hotplate.cli.app import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments, "--compiler", "gcc", "--flags", " ".join(SANITIZE)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_sanitizers_find_nothing_in_an_example(sanitized_package: Path, example: str) -> None:
    done = _run(sanitized_package, "run", str(ROOT / "examples" / example), "--executor", "parallel")
    assert done.returncode == 0, done.stderr[-4000:]
    assert "runtime error" not in done.stderr
    assert "AddressSanitizer" not in done.stderr


def test_they_would_find_a_write_behind_a_result(sanitized_package: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "wrong.c"
    notebook.write_text(
        "#include <hotplate.h>\nvoid f(hp_out *out) { double *y = HP_ARRAY(out, double, 4); y[4] = 1; }\n", "utf-8"
    )
    done = _run(sanitized_package, "run", str(notebook))
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr
