"""Depfiles and content hashes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotplate.toolchain.headers import HeaderHashes, parse_dependencies, parse_depfile, written_at


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.so: a.c b.h\n", ["/w/a.c", "/w/b.h"]),
        ("a.so: a.c \\\n  /usr/b.h \\\r\n  c.h\n", ["/w/a.c", "/usr/b.h", "/w/c.h"]),
        ("a.so: my\\ header.h cost$$.h no\\#1.h\n", ["/w/my header.h", "/w/cost$.h", "/w/no#1.h"]),
        ("a.so: a.c a.c\na.c:\n", ["/w/a.c"]),
        ("", []),
    ],
)
def test_a_depfile_lists_its_files_once(text: str, names: list[str]) -> None:
    assert [str(path) for path in parse_depfile(text, Path("/w"))] == names


def test_drive_letters_and_backslashes_are_parts_of_names() -> None:
    names = [str(path) for path in parse_depfile("C:\\t\\a.dll: C:\\my\\a.c D:/b.h\n", Path())]
    assert names == ["C:\\my\\a.c", "D:/b.h"]


def test_a_hash_follows_the_content(tmp_path: Path) -> None:
    hashes, file = HeaderHashes(), tmp_path / "h.h"
    assert hashes(str(file)) is None
    file.write_text("one")
    first = hashes(str(file))
    file.write_text("two")  # the same size, perhaps in the same tick of the clock
    second = hashes(str(file))
    file.write_text("one")
    assert hashes(str(file)) == first != second


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    hashes, file = HeaderHashes(), tmp_path / "h.h"
    file.write_text("one")
    old = file.stat().st_mtime_ns - 10**9
    os.utime(file, ns=(old, old))
    assert hashes(str(file)) == hashes(str(file))


def test_what_cl_lists_is_read() -> None:
    text = (
        '\ufeff{"Version": "1.2", "Data": {"Source": "c:\\\\w\\\\unit.c", "ProvidedModule": "", '
        '"Includes": ["c:\\\\w\\\\own.h", "c:\\\\kits\\\\stdio.h", "c:\\\\w\\\\own.h"], "ImportedModules": []}}'
    )
    assert [str(path) for path in parse_dependencies(text, Path())] == ["c:\\w\\own.h", "c:\\kits\\stdio.h"]


@pytest.mark.parametrize(
    ("modified", "created", "written"),
    [
        pytest.param(50, 10, 50, id="edited"),
        pytest.param(10, 50, 50, id="an old file copied to its place"),
        pytest.param(900, 50, 50, id="unpacked with a time in the future"),
    ],
)
def test_on_windows_a_file_was_written_when_it_was_modified_or_created(
    modified: int, created: int, written: int
) -> None:
    # Windows' st_ctime is the time of creation.
    status = os.stat_result((0,) * 10, {"st_mtime_ns": modified, "st_ctime_ns": created})
    assert written_at(status, windows=True, now=100) == written
    assert written_at(status, windows=False) == created
