"""Completion: what may follow in a line that begins with `%hotplate` or `%%hotplate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.jupyter import options
from hotplate.notebook.decode import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hotplate.jupyter.commands import Commands
    from hotplate.jupyter.session import Session

_COMPILERS = ("gcc", "clang", "zig", "tcc")
_TAKES_CELLS = ("run", "time", "graph", "source", "reset")


def completer(session: Session, commands: Commands) -> Callable[[Any, Any], list[str]]:
    """What IPython asks: takes the shell and an event with the text before the cursor."""

    def complete(_: Any, event: Any) -> list[str]:
        before = event.text_until_cursor
        word = "" if before.endswith(" ") else before.split(" ")[-1]
        words = before[: len(before) - len(word)].split()
        # IPython replaces its own idea of a word, which begins behind a `=`.
        kept = len(word) - len(event.symbol) if word.endswith(event.symbol) else 0
        return [found[kept:] for found in _candidates(session, commands, words, word) if found.startswith(word)]

    return complete


def _candidates(session: Session, commands: Commands, words: list[str], word: str) -> Iterable[str]:
    magic, *rest = words
    key = word.partition("=")[0] if "=" in word else rest[-1] if rest else ""
    values = {"--executor": options.EXECUTORS, "--compiler": _COMPILERS}.get(key, ())
    if values:
        return [f"{key}={value}" for value in values] if "=" in word else list(values)
    if magic.startswith("%%"):
        named = [fragment.name for fragment in session.fragments if fragment.name]
        return [*options.flags_of(options.cell_parser()), *(named if not rest else [])]
    if not rest:
        return commands.names
    command = rest[0]
    if word.startswith("-"):
        return commands.flags(command)
    if command in _TAKES_CELLS:
        return list(session.graph.nodes)
    return _notebooks(word) if command == "watch" else ()


def _notebooks(word: str) -> list[str]:
    """The files that may be meant, and the folders on the way to them."""
    folder = word.rpartition("/")[0]
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    prefix = f"{folder}/" if folder else ""
    return [
        f"{prefix}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if not path.name.startswith(".") and (path.suffix in SUFFIXES or path.is_dir())
    ]
