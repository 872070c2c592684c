"""Compilers that work on a stranger's text: what they see, what they reach, and what they can write."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import ToolchainError
from hotplate.notebook import read
from hotplate.toolchain import Artifact, BuildFailure
from hotplate.toolchain.model import Program
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.toolchain import Compiler, Unit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compilers are confined on Linux only")

SECRET = "s3cret-t0ken"
CELL = "double cell(double x) { return x + 1; } // compiled confined\n"

# A compiler that does something of its own before it compiles a notebook, as one with a plugin may.
_FAKE = """#!/bin/sh
case "$*" in *-Dfake*) . "$0.deed" ;; esac
exec {command} "$@"
"""


@pytest.fixture(scope="module")
def fake_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fake") / "fake-gcc"


@pytest.fixture
def fake(fake_path: Path, gcc: Compiler) -> Callable[..., Toolchain]:
    """A toolchain whose compiler first runs some shell: `fake(deed, confined=True)`."""

    def make(deed: str, *, confined: bool) -> Toolchain:
        if not fake_path.exists():
            fake_path.write_text(_FAKE.format(command=gcc.c_command[0]), "utf-8")
            fake_path.chmod(0o755)
        Path(f"{fake_path}.deed").write_text(f"{deed}\n", "utf-8")
        environ = {**os.environ, "API_TOKEN": SECRET}
        return Toolchain(compiler=str(fake_path), flags=["-Dfake"], environ=environ, confined=confined)

    return make


@pytest.fixture
def said(fake: Callable[..., Toolchain], make_unit: Callable[..., Unit]) -> Callable[..., str]:
    """What such a compiler prints that does not compile after all."""

    def build(deed: str, *, confined: bool) -> str:
        built = fake(f"{deed}; exit 1", confined=confined).builder.build(make_unit(CELL, flags=("-Dfake",)))
        assert isinstance(built, BuildFailure)
        return "\n".join(diagnostic.message for diagnostic in built.diagnostics)

    return build


@pytest.fixture
def port() -> Iterator[int]:
    """A server on this machine that answers every connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("confined", [False, True])
def test_a_confined_compiler_does_not_see_secrets(said: Callable[..., str], *, confined: bool) -> None:
    told = said('echo "token is <$API_TOKEN>" ', confined=confined)
    assert (f"<{SECRET}>" in told) is not confined
    assert ("<>" in told) is confined


@pytest.mark.parametrize("confined", [False, True])
def test_a_confined_compiler_reaches_no_server(said: Callable[..., str], port: int, *, confined: bool) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    deed = f'"{sys.executable}" -c "{code}" 2>/dev/null && echo "connected" || echo "refused"'
    assert said(deed, confined=confined) == ("refused" if confined else "connected")


@pytest.mark.parametrize("confined", [False, True])
def test_a_confined_compiler_writes_nothing_but_its_build(
    said: Callable[..., str], tmp_path: Path, *, confined: bool
) -> None:
    said(f'echo spoiled > "{tmp_path}/planted"', confined=confined)
    assert (tmp_path / "planted").exists() is not confined


def test_a_confined_compiler_has_a_place_for_temporary_files(said: Callable[..., str]) -> None:
    assert said('echo x > "$TMPDIR/scratch" && echo "written" ', confined=True) == "written"


@pytest.mark.parametrize("name", ["gcc", "clang", "clang-16", "tcc"])
def test_compilers_work_confined(
    name: str,
    compiler_named: Callable[[str, str], Compiler],
    make_unit: Callable[..., Unit],
    value_of: Callable[[Path, float], float],
) -> None:
    compiler = compiler_named(name, "c")
    toolchain = Toolchain(compiler=" ".join(compiler.c_command), confined=True)
    built = toolchain.builder.build(make_unit(CELL))
    assert isinstance(built, Artifact), built
    assert value_of(built.library, 2.0) == 3.0


def test_includes_are_precompiled_confined(
    cxx_compiler: Compiler, make_unit: Callable[..., Unit], value_of: Callable[[Path, float], float]
) -> None:
    toolchain = Toolchain(compiler=" ".join(cxx_compiler.c_command), confined=True)
    prelude = "#include <cmath>\n"
    built = toolchain.builder.build(make_unit(CELL, language="c++", prelude=prelude))
    assert isinstance(built, Artifact), built
    assert value_of(built.library, 2.0) == 3.0


def test_the_preprocessor_is_confined_too(fake: Callable[..., Toolchain], tmp_path: Path) -> None:
    path = tmp_path / "n.c"
    path.write_text(CELL, "utf-8")
    model = read(path)
    toolchain = fake(f'echo spoiled > "{tmp_path}/planted"', confined=True)
    _, expanded = toolchain.preprocess(CELL, model, model.sections[0].attributes)
    assert "x + 1" in expanded
    assert not (tmp_path / "planted").exists()


def test_nothing_is_compiled_on_other_systems(
    gcc: Compiler, make_unit: Callable[..., Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "sunos5")
    toolchain = Toolchain(compiler=gcc.c_command[0], confined=True)
    with pytest.raises(ToolchainError, match="on Linux only; leave out `confined`"):
        toolchain.builder.build(make_unit(f"// elsewhere\n{CELL}"))


def test_nothing_is_compiled_where_the_network_cant_be_closed(
    fake: Callable[..., Toolchain], make_unit: Callable[..., Unit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain = fake(f'echo spoiled > "{tmp_path}/planted"', confined=True)
    refusing = tmp_path / "confine"
    refusing.write_text("#!/bin/sh\necho error: this machine lacks it\nexit 125\n", "utf-8")
    refusing.chmod(0o755)
    program = Program(refusing, 0, "", toolchain.compiler("c"), 0.0, cached=True)
    monkeypatch.setattr("hotplate.toolchain.confine.confining_program", lambda *_: program)
    with pytest.raises(ToolchainError, match=r"^this machine lacks it; leave out `confined`"):
        toolchain.builder.build(make_unit(f"// nowhere\n{CELL}", flags=("-Dfake",)))
    assert not (tmp_path / "planted").exists()
