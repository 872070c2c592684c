"""The environment of compilers, and the text of what they print."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from hotplate.toolchain import Family
from hotplate.toolchain.process import compiler_environment, printed_text

if TYPE_CHECKING:
    import pytest

    from hotplate.toolchain import Compiler


def test_each_line_is_read_in_the_encoding_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getencoding", lambda: "cp1252")
    assert printed_text("C:\\größe\\n.c".encode() + b"\n" + "C:\\größe\\h.h".encode("cp1252")) == (
        "C:\\größe\\n.c\nC:\\größe\\h.h"
    )


def test_messages_are_plain_and_in_english() -> None:
    environ = compiler_environment({"PATH": "p", "GCC_COLORS": "error=01;31", "LANGUAGE": "de"})
    assert (environ["PATH"], environ["LC_ALL"], environ["VSLANG"]) == ("p", "C", "1033")
    assert not {"GCC_COLORS", "LANGUAGE"} & set(environ)


def test_a_compilers_own_variables_are_set_and_its_folders_come_first(gcc: Compiler) -> None:
    compiler = replace(gcc, variables=(("INCLUDE", "kits"), ("PATH", "tools")))
    environ = compiler_environment({"PATH": "p", "INCLUDE": "old"}, compiler)
    assert (environ["INCLUDE"], environ["PATH"]) == ("kits", f"tools{os.pathsep}p")


def test_builds_with_cl_do_not_share_the_program_that_writes_pdbs(gcc: Compiler) -> None:
    cl = replace(gcc, family=Family.CL)
    endpoints = {compiler_environment({}, cl)["_MSPDBSRV_ENDPOINT_"] for _ in range(2)}
    assert len(endpoints) == 2
