"""Libraries that run code while they are loaded are tried in another process."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import LoadError
from hotplate.load import trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = 'extern "C" int f() { return 1; }'
CONSTRUCTED = "struct Global { Global() { %s } ~Global() { %s } } global;"
INCLUDES = "#include <cstdio>\n#include <cstdlib>\n#include <stdexcept>\n"


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], Path]:
    def build(text: str) -> Path:
        source, built = tmp_path / "cell.cpp", tmp_path / "cell.so"
        source.write_text(INCLUDES + text)
        subprocess.run(["g++", "-shared", "-fPIC", "-o", built, source], check=True)
        return built

    return build


def test_one_without_code_of_its_own_is_not_tried(library: Callable[[str], Path]) -> None:
    assert not trial.has_initialisers(library(PLAIN))


@pytest.mark.parametrize(
    "text",
    [
        CONSTRUCTED % ('puts("");', ""),
        "__attribute__((constructor)) void f() {}",
        "__attribute__((destructor)) void f() {}",
    ],
)
def test_one_with_code_of_its_own_is(library: Callable[[str], Path], text: str) -> None:
    assert trial.has_initialisers(library(text))


def test_what_can_not_be_read_is_tried(tmp_path: Path) -> None:
    (tmp_path / "cut.so").write_bytes(b"\x7fELF\x02\x01")
    assert trial.has_initialisers(tmp_path / "cut.so")
    assert trial.has_initialisers(tmp_path / "missing.so")


def test_one_that_comes_through_is_fine(library: Callable[[str], Path]) -> None:
    trial.try_loading([library(CONSTRUCTED % ('puts("hello");', 'puts("bye");'))])


@pytest.mark.parametrize(
    ("on_load", "on_unload", "said"),
    [
        ("__builtin_trap();", "", r"can't load .*cell\.so safely: it crashed \(SIGILL\)"),
        ("int *p = nullptr; *(volatile int *)p = 1;", "", r"can't load .*: it crashed \(SIGSEGV\)"),
        ('throw std::runtime_error("no licence");', "", r"can't load .*: it crashed \(SIGABRT\).*no licence"),
        ("exit(7);", "", r"can't load .*: it ended the process with code 7"),
        ("_Exit(0);", "", r"can't load .*: it ended the process with code 0"),
        ("", "abort();", r"can't unload .*: it crashed \(SIGABRT\)"),
    ],
)
def test_one_that_does_not_is_refused_with_the_reason(
    library: Callable[[str], Path], on_load: str, on_unload: str, said: str
) -> None:
    with pytest.raises(LoadError, match=said):
        trial.try_loading([library(CONSTRUCTED % (on_load, on_unload))])


def test_one_that_never_ends_is_refused(library: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TIMEOUT", 0.5)
    with pytest.raises(LoadError, match=r"it is not done after 0\.5 s"):
        trial.try_loading([library(CONSTRUCTED % ("for (volatile int i = 0;;) i = i;", ""))])
