"""Depfiles and content hashes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hotplate.toolchain.headers import HeaderHashes, parse_depfile


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
