"""What a library's file says, for every compiler, beside what binutils and the loader say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate.errors import ToolchainError
from hotplate.load.elf import LibraryFile, read_library_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries elsewhere are no ELF files")

TEXT = """
#include <math.h>
#include <stdlib.h>
static double large[1 << 20];
double reads(double x) {
    double result = sin(x) + large[(int)x];
    large[0] = getenv("HOME") ? x : -x;
    return result;
}
"""


@pytest.fixture(params=["gcc", "clang", "zig", "tcc"])
def library(request: pytest.FixtureRequest) -> Path:
    try:
        return hotplate.inline(TEXT, compiler=request.param).path
    except ToolchainError as error:
        pytest.skip(str(error))


def read(path: Path) -> LibraryFile:
    file = read_library_file(path)
    assert file is not None
    return file


def output(*command: str | Path) -> str:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} (binutils) is not installed")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_imports_are_those_that_nm_lists(library: Path) -> None:
    listed = output("nm", "-D", "--undefined-only", "--no-demangle", library).split("\n")
    names = {line.split()[-1].partition("@")[0] for line in listed if line}
    assert read(library).imports == names
    assert {"sin", "getenv"} <= names


def test_needed_libraries_are_those_that_readelf_lists(library: Path) -> None:
    listed = [line for line in output("readelf", "-d", "-W", library).split("\n") if "(NEEDED)" in line]
    assert read(library).needed == {line.partition("[")[2].rstrip("]") for line in listed}


def test_mapped_bytes_count_zeroed_variables_too(library: Path) -> None:
    size = read(library).mapped_bytes
    assert 8 << 20 < size < 9 << 20
    assert size % 4096 == 0


def test_initialisers_are_those_that_readelf_lists(library: Path) -> None:
    listed = [line for line in output("readelf", "-d", "-W", library).split("\n") if "_ARRAYSZ)" in line]
    sizes = [int(line.split()[2]) for line in listed if "PREINIT" not in line]
    assert read(library).initialiser_bytes == sum(sizes)


def test_a_file_that_was_cut_is_none_unless_all_that_counts_is_there(library: Path, tmp_path: Path) -> None:
    content, whole = library.read_bytes(), read(library)
    for size in range(0, len(content), max(len(content) // 50, 1)):
        path = tmp_path / "cut.so"
        path.write_bytes(content[:size])
        assert read_library_file(path) in (None, whole)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"MZ" + bytes(100), b"\x7fELF\x01\x01" + bytes(100)])
def test_what_is_no_library_of_this_kind_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "library.so"
    path.write_bytes(content)
    assert read_library_file(path) is None


def test_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    assert read_library_file(tmp_path / "library.so") is None
