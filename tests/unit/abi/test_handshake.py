"""A library that this core can't serve is refused, with what was wanted, what was offered and the way out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.abi import CORE_VERSION, ffi
from hotplate.errors import HandshakeError, LoadError
from hotplate.load import LoadedCell, library_report

if TYPE_CHECKING:
    from collections.abc import Callable

INCLUDE = Path(__file__).parents[3] / "csrc" / "include"
REMEDY = "remove it from the cache (`hotplate cache clear`) and build the cell again"
DESCRIPTOR = """
#include <hotplate.h>
static int32_t entry(hp_ctx *ctx, const hp_value *in, hp_value *out) {{
    (void)ctx, (void)in;
    *(int32_t *)(void *)out[0].as.bytes = 42;
    return HP_OK;
}}
static const hp_port out[] = {{{{"value", HP_PORT_SCALAR, {{HP_INT, 32, 1}}, NULL, 0, NULL}}}};
HP_EXPORT const hp_cell hotplate_cell = {{
    {size}, {version}, "answer", "int32_t answer(void)", "{key}", "by hand",
    entry, 0, 1, 0, 0, NULL, out, NULL,
}};
"""


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], Path]:
    """A library of hand-written C."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler")

    def make(text: str) -> Path:
        source, path = tmp_path / "hand.c", tmp_path / "hand.so"
        source.write_text(text)
        subprocess.run([compiler, "-shared", "-fPIC", f"-I{INCLUDE}", str(source), "-o", str(path)], check=True)
        return path

    return make


def described(size: str = "sizeof(hp_cell)", version: str = "HP_ABI_VERSION", key: str = "key") -> str:
    return DESCRIPTOR.format(size=size, version=version, key=key)


def refusal(path: Path, unit_key: str | None = None) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        LoadedCell(path, unit_key)
    return caught.value


def test_a_library_of_this_version_is_taken(library: Callable[[str], Path]) -> None:
    cell = LoadedCell(library(described()), "key")
    assert cell() == 42
    assert cell.name == "answer"


def test_a_longer_descriptor_is_a_later_append_and_is_taken(library: Callable[[str], Path]) -> None:
    assert LoadedCell(library(described(size="sizeof(hp_cell) + 8")))() == 42


def test_a_library_without_a_descriptor_is_refused(library: Callable[[str], Path]) -> None:
    error = refusal(library("double twice(double x) { return 2 * x; }"))
    assert (error.wanted, error.offered, error.remedy) == ("a hotplate cell", "a library without one", REMEDY)


@pytest.mark.parametrize("offset", ["- 1", "+ 1"])
def test_another_version_of_the_interface_is_refused(library: Callable[[str], Path], offset: str) -> None:
    error = refusal(library(described(version=f"HP_ABI_VERSION {offset}")))
    assert error.wanted == f"interface version {CORE_VERSION}"
    assert error.offered == f"version {CORE_VERSION + int(offset.replace(' ', ''))}"
    assert error.remedy == REMEDY


def test_of_another_version_nothing_but_the_version_is_read(library: Callable[[str], Path]) -> None:
    # Two words are all that descriptors of every version have in common; behind these lies an unmapped page.
    text = """
    #include <stdint.h>
    __attribute__((visibility("default"))) const uint32_t hotplate_cell[2] = {8, 999};
    """
    assert refusal(library(text)).offered == "version 999"


def test_a_shorter_descriptor_is_refused(library: Callable[[str], Path]) -> None:
    error = refusal(library(described(size="sizeof(hp_cell) - 8")))
    size = ffi.sizeof("hp_cell")
    assert (error.wanted, error.offered) == (f"a descriptor of {size} bytes", f"{size - 8} bytes")
    assert error.remedy == REMEDY


def test_the_build_of_another_unit_is_refused(library: Callable[[str], Path]) -> None:
    error = refusal(library(described(key="theirs")), "ours")
    assert (error.wanted, error.offered, error.remedy) == ("the build of ours", "that of theirs", REMEDY)


def test_the_message_says_it_all_in_one_line(library: Callable[[str], Path]) -> None:
    path = library(described(key="theirs"))
    assert str(refusal(path, "ours")) == f"{path}: wanted the build of ours, offered that of theirs; {REMEDY}"


def test_a_refused_library_is_not_kept(library: Callable[[str], Path]) -> None:
    path = library(described(key="theirs"))
    before = library_report()
    refusal(path, "ours")
    assert library_report() == before
    assert str(path) not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize("content", [b"", b"not a library", b"\x7fELF" + bytes(60)], ids=["empty", "text", "stub"])
def test_what_is_no_library_is_a_load_error_in_the_systems_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.so"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=rf"can't load {path}: .*{path}: \S+"):
        LoadedCell(path)


def test_a_library_that_is_not_there_is_a_load_error(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="No such file or directory"):
        LoadedCell(tmp_path / "nowhere.so")
