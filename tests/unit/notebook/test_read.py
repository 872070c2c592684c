from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.errors import NotebookError
from hotplate.notebook.model import Language
from hotplate.notebook.parse import parse, read


@pytest.mark.parametrize(
    ("name", "language"),
    [("a.c", Language.C), *((f"a{suffix}", Language.CPP) for suffix in (".cpp", ".cc", ".cxx", ".c++", ".C"))],
)
def test_the_suffix_names_the_language(name: str, language: Language) -> None:
    assert parse(Path(name), "").language is language


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.py", b"", "'.py' is no suffix"),
        ("a", b"", "no suffix"),
        ("a.c", b"int a;\0", "NUL byte at offset 6"),
        ("a.c", b"\x7fELF\2\1\1\0\0\0", "binary file"),
        ("a.c", b"int a;\n// \xe9\n", "not UTF-8: byte 0xe9 at offset 10, line 2"),
        ("a.c", "int a;".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_notebook_is_one_clear_error(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(NotebookError, match=message) as caught:
        read(path)
    assert caught.value.diagnostics[0].hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"gone\.c: error: there is no such file"):
        read(tmp_path / "gone.c")


def test_a_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="this is a directory"):
        read(tmp_path)


def test_the_known_suffixes_are_listed(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match=r"\.cpp, \.cc, \.cxx"):
        read(tmp_path / "a.txt")


def test_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.c"
    path.write_bytes(b"\xef\xbb\xbfint a(void) { return 1; }\n")
    assert read(path).cells["a"].name_span.column == 5


def test_windows_newlines_read_as_unix_ones(tmp_path: Path, c_example: str) -> None:
    path = tmp_path / "heat.c"
    path.write_bytes(c_example.replace("\n", "\r\n").encode())
    assert read(path).cells == parse(path, c_example).cells


@pytest.mark.parametrize("text", ["", "\n\n", "// nothing\n", "\ufeff"])
def test_an_empty_notebook_has_no_cells(text: str) -> None:
    model = parse(Path("a.c"), text)
    assert (model.items, dict(model.cells), model.diagnostics) == ((), {}, ())
    assert len(model.sections) == 1
