"""The options of `%%hotplate` and `%hotplate`: what users write, read; what makes no sense is one clear message."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING, NoReturn

from IPython.core.error import UsageError

from hotplate.jupyter.fragments import Isolation, Options
from hotplate.notebook.model import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

EXECUTORS = ("linear", "parallel", "stealing", "process", "dask")


class Parser(argparse.ArgumentParser):
    """A parser whose errors are IPython's own: one line, no traceback."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError with the message and the way out."""
        raise UsageError(f"{self.prog}: {message}; {_help_for(self.prog)}")

    def read(self, line: str) -> argparse.Namespace:
        """Reads a line as a shell splits words. Raises UsageError."""
        return self.parse_args(split(line))


def _help_for(magic: str) -> str:
    return f"{magic} --help lists its options" if magic.startswith("%hotplate") else "%hotplate? lists its options"


_ESCAPE = "" if sys.platform == "win32" else "\\"
"""Paths of Windows have backslashes that mean themselves."""


def split(line: str, escape: str = _ESCAPE) -> list[str]:
    """The words of a line. Raises UsageError for a quote that is not closed."""
    words = shlex.shlex(line, posix=True)
    words.whitespace_split, words.commenters, words.escape = True, "", escape
    try:
        return list(words)
    except ValueError as error:
        raise UsageError(f"hotplate: {error} in {line!r}") from None


def seconds(text: str) -> float:
    """Reads a duration. Raises ArgumentTypeError."""
    try:
        read = float(text)
    except ValueError:
        read = 0.0
    if not 0 < read < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return read


def count(text: str) -> int:
    """Reads how often something is done. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)


def cell_parser() -> Parser:
    """The options of `%%hotplate`."""
    parser = Parser(prog="%%hotplate", add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="?", default="", help="names the code: running other code under the same name "
                        "replaces it")  # fmt: skip
    parser.add_argument("--cpp", action="store_true", help="the code is C++, not C")
    parser.add_argument("--flags", default="", help="compiler arguments, as in --flags='-O3 -fopenmp'")
    parser.add_argument("--std", default="", help="the language standard: gnu11, c++23")
    parser.add_argument("--libs", default="", help="pkg-config packages")
    parser.add_argument("--timeout", type=seconds, help="seconds that a call may take")
    parser.add_argument("--compiler", help="gcc, clang, zig, tcc or a command; for all code of this language")
    add_isolation(parser)
    parser.add_argument("--no-run", action="store_true", help="builds only")
    add_run_options(parser)
    return parser


def add_isolation(parser: argparse.ArgumentParser) -> None:
    """Where calls are made; see Isolation."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--isolate", dest="isolation", action="store_const", const=Isolation.ALWAYS,
                       help="every call in a worker, direct ones too")  # fmt: skip
    where.add_argument("--canary", dest="isolation", action="store_const", const=Isolation.CANARY,
                       help="new code in a worker once, then in this process")  # fmt: skip
    where.add_argument("--no-isolate", dest="isolation", action="store_const", const=Isolation.NEVER,
                       help="everything in this process")  # fmt: skip
    parser.set_defaults(isolation=Isolation.RUNS)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What may be said of a run."""
    parser.add_argument("--executor", default="linear", help=f"{', '.join(EXECUTORS)}, or that of a package")
    parser.add_argument("--jobs", type=int, help="how many cells at once")
    parser.add_argument("--fresh", action="store_true", help="computes all again, up to date or not")
    parser.add_argument("--diagnose", action="store_true", help="calls a cell that crashed again with sanitizers")
    parser.add_argument("--quiet", action="store_true", help="shows nothing but what cells print and what went wrong")


def run_options(read: argparse.Namespace) -> dict[str, object]:
    """The same as Notebook.run takes it."""
    return {
        "executor": read.executor,
        "jobs": read.jobs,
        "fresh": read.fresh,
        "on_crash": "diagnose" if read.diagnose else "report",
        "output": "none",
    }


def fragment_options(read: argparse.Namespace) -> Options:
    """What is said of the cells. Raises UsageError."""
    if read.name and not read.name.isidentifier():
        raise UsageError(f"%%hotplate: the name {read.name!r} is none: letters, digits and _, as in a program")
    return Options(
        flags=tuple(split(read.flags)),
        libs=tuple(read.libs.split()),
        std=read.std,
        timeout=read.timeout,
        isolation=read.isolation,
    )


def language_of(read: argparse.Namespace) -> Language:
    """The language of the code."""
    return Language.CPP if read.cpp else Language.C


def flags_of(parser: argparse.ArgumentParser) -> Sequence[str]:
    """Every option that a parser knows, for completion."""
    return [flag for action in parser._actions for flag in action.option_strings]
