"""The notebook's file: from bytes on disk to text, or one clear error."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NoReturn

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import NotebookError
from hotplate.notebook.model import Language

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SUFFIXES", "decode", "language_of", "load_text", "unify_newlines"]

SUFFIXES = {
    ".c": Language.C,
    ".cpp": Language.CPP,
    ".cc": Language.CPP,
    ".cxx": Language.CPP,
    ".c++": Language.CPP,
    ".C": Language.CPP,
}
"""The names of files that are notebooks end so."""


def language_of(path: Path) -> Language:
    """The language that the file's suffix stands for. Raises NotebookError for an unknown one."""
    language = SUFFIXES.get(path.suffix) or SUFFIXES.get(path.suffix.lower())
    if language is None:
        what = f"'{path.suffix}' is no suffix of a notebook" if path.suffix else "the file has no suffix"
        _fail(path, what, f"use .c for C, or one of {', '.join(list(SUFFIXES)[1:])} for C++")
    return language


def load_text(path: Path) -> str:
    """The text of a file, with newlines as on Unix and no byte order mark. Raises NotebookError."""
    return decode(path, _bytes(path))


def decode(path: Path, data: bytes) -> str:
    """The text that the bytes of a file are. Raises NotebookError."""
    return unify_newlines(_decode(path, data))


def unify_newlines(text: str) -> str:
    """The text with newlines as on Unix, and without a byte order mark."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        _fail(path, "there is no such file", "check the path, or make one with `hotplate new`")
    except IsADirectoryError:
        _fail(path, "this is a directory", "name the notebook in it")
    except OSError as error:
        if path.is_dir():  # Windows says "permission denied"
            _fail(path, "this is a directory", "name the notebook in it")
        _fail(path, f"can't be read: {error.strerror or error}", "check its permissions")


def _decode(path: Path, data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _fail(path, "the file is UTF-16", "save it as UTF-8")
    if (at := data.find(b"\0")) >= 0:
        where = f"a NUL byte at offset {at}"
        _fail(path, f"this is a binary file, not text: it has {where}", "name the source file", _line(data, at))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        what = f"the file is not UTF-8: byte 0x{byte:02x} at offset {error.start}, line {_line(data, error.start)}"
        _fail(path, what, "save it as UTF-8", _line(data, error.start))


def _line(data: bytes, offset: int) -> int:
    return len(re.findall(rb"\n", data[:offset])) + 1


def _fail(path: Path, message: str, hint: str, line: int = 0) -> NoReturn:
    raise NotebookError([Diagnostic(Severity.ERROR, message, str(path), line, rule="file", hint=hint)])
