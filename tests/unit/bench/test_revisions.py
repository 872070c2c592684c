from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hotplate.bench.revisions import Revisions, included_files
from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = frozenset({"a.c", "a.h", "sub/a.h", "include/deep/b.hpp", "b.h"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'#include "a.h"\n', ["a.h", "sub/a.h"]),
        (b'  #  include "sub/a.h"\n', ["sub/a.h"]),
        (b'#include "../sub/./a.h"\n', ["sub/a.h"]),
        (b"#include <deep/b.hpp>\n#include <math.h>\n", ["include/deep/b.hpp"]),
        (b'// #include "a.h"\nint x = "#include <b.h>";\n', []),
    ],
)
def test_what_a_text_includes_is_found_wherever_the_compiler_might(text: bytes, found: list[str]) -> None:
    assert list(included_files(text, NAMES)) == found


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., Path]:
    """Makes a commit of files, by name and text; returns the folder."""
    folder = tmp_path / "a folder"

    def commit(**files: str) -> Path:
        if not folder.exists():
            folder.mkdir()
            subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        for name, text in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        for words in (["add", "--all"], [*who, "commit", "-qm", "x"]):
            subprocess.run(["git", *words], cwd=folder, check=True)
        return folder

    return commit


def test_a_notebook_and_the_headers_that_it_includes_are_as_they_were(
    repository: Callable[..., Path], tmp_path: Path
) -> None:
    nested = {"work__n_c": '#include "n.h"\n', "work__n_h": '#include "../shared/x.h"\n', "shared__x_h": "// 1\n"}
    folder = repository(**nested, other_c="int x;\n")
    repository(shared__x_h="// 2\n")
    (folder / "work/n.c").write_text("not committed")
    path = Revisions(folder / "work/n.c").check_out("HEAD~1", tmp_path / "out")
    written = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert written == {"work/n.c", "work/n.h", "shared/x.h"}
    assert path == tmp_path / "out/work/n.c"
    assert (tmp_path / "out/shared/x.h").read_text() == "// 1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights that users do not have")
def test_a_header_that_is_a_link_is_what_it_leads_to(repository: Callable[..., Path], tmp_path: Path) -> None:
    folder = repository(shared__x_h="// 1\n", n_c='#include "x.h"\n')
    (folder / "x.h").symlink_to("shared/x.h")
    repository()
    Revisions(folder / "n.c").check_out("HEAD", tmp_path / "out")
    assert (tmp_path / "out/x.h").read_text() == "// 1\n"


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights that users do not have")
def test_a_header_that_is_a_link_to_elsewhere_is_told_of(repository: Callable[..., Path], tmp_path: Path) -> None:
    folder = repository(n_c='#include "x.h"\n')
    (folder / "x.h").symlink_to(tmp_path / "x.h")
    repository()
    with pytest.raises(SettingError, match=r"can't read x\.h at HEAD: it is a link that leads to no file"):
        Revisions(folder / "n.c").check_out("HEAD", tmp_path / "out")


@pytest.mark.skipif(sys.platform == "win32", reason="its file names are text, and do not end in spaces")
@pytest.mark.parametrize("name", [b"ends in a space ", b"no \xff text"])
def test_the_folder_of_a_repository_may_have_any_name(
    repository: Callable[..., Path], tmp_path: Path, name: bytes
) -> None:
    moved = repository(n_c="// 1\n").rename(tmp_path / os.fsdecode(name))
    assert Revisions(moved / "n.c").check_out("HEAD", tmp_path / "out").read_text() == "// 1\n"


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("nope", "--against nope: the repository .* has no such revision"),
        ("--all", "--against --all: the repository .* has no such revision"),
        ("HEAD~1", "--against HEAD~1: n.c was not there yet"),
    ],
)
def test_a_revision_that_there_is_not_is_told_of(
    repository: Callable[..., Path], tmp_path: Path, revision: str, message: str
) -> None:
    repository(other_c="int x;\n")
    folder = repository(n_c="int n(void) { return 1; }\n")
    with pytest.raises(SettingError, match=message):
        Revisions(folder / "n.c").check_out(revision, tmp_path / "out")


def test_a_notebook_outside_of_a_repository_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "n.c").write_text("")
    with pytest.raises(SettingError, match=r"n\.c is in no git repository"):
        Revisions(tmp_path / "n.c")


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "n.c").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingError, match="--against takes git"):
        Revisions(tmp_path / "n.c")
