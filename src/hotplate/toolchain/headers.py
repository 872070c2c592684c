"""The files that a compile read: their names from the depfile, and hashes of their contents."""

from __future__ import annotations

import functools
import json
import os
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

if TYPE_CHECKING:
    from collections.abc import Callable

_RACY = 100_000_000  # ns: a file this young may change again without a change of its times (ticks are 1 to 10 ms)


def parse_dependencies(text: str, directory: Path) -> tuple[Path, ...]:
    """The files that a compile read: from a make rule, or from cl's /sourceDependencies."""
    return _listed_by_cl(text, directory) if text.lstrip("\ufeff").startswith("{") else parse_depfile(text, directory)


def _listed_by_cl(text: str, directory: Path) -> tuple[Path, ...]:
    # cl writes all names in small letters, which name the same files: Windows' paths have no case.
    names = json.loads(text.lstrip("\ufeff"))["Data"]["Includes"]
    return tuple(directory / name for name in dict.fromkeys(names))


def parse_depfile(text: str, directory: Path) -> tuple[Path, ...]:
    """The prerequisites in a make rule as compilers write it, in order, each once; relative ones are in `directory`."""
    joined = re.sub(r"\\\r?\n", " ", text)
    names: dict[str, None] = {}
    for rule in joined.splitlines():
        # The target ends at a colon before white space: the one in C:\notebook is not followed by any.
        _, colon, prerequisites = _split_target(rule)
        if colon:
            names.update(dict.fromkeys(_words(prerequisites)))
    return tuple(directory / name for name in names)


def _split_target(rule: str) -> tuple[str, str, str]:
    match = re.search(r":(?=\s|$)", rule)
    return (rule[: match.start()], ":", rule[match.end() :]) if match else (rule, "", "")


def _words(text: str) -> list[str]:
    # A backslash escapes only a blank, #, : or another backslash before a blank; else it separates Windows folders.
    words = re.findall(r"(?:\\[\s#]|[^\s])+", text)
    return [_unescape(word) for word in words]


def _unescape(word: str) -> str:
    return re.sub(r"\\([ \t#])|\$(\$)", lambda match: match[1] or match[2], word)


class HeaderHashes:
    """Content hashes of files, each read once per change. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int, int], str]] = {}
        self._lock = threading.Lock()

    def __call__(self, path: str) -> str | None:
        """The hash of a file's content; None when it can't be read."""
        try:
            status = os.stat(path)  # noqa: PTH116 - Path(path) alone costs more than the call
            stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
            with self._lock:
                known = self._known.get(path)
            if known and known[0] == stamp:
                return known[1]
            value = xxhash.xxh3_128_hexdigest(Path(path).read_bytes())
        except OSError:
            return None
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _RACY:
            with self._lock:
                self._known[path] = (stamp, value)
        return value

    def at_once(self) -> Callable[[str], str | None]:
        """The same function for one pass over many units: looks at each file once."""
        return functools.cache(self.__call__)


def changed_since(paths: tuple[Path, ...], mark: Path) -> Path | None:
    """The first of the files that was written after `mark` was; None when none was."""
    since = written_at(mark.stat())
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            return path
        if written_at(status) > since:
            return path
    return None


def written_at(status: os.stat_result, *, windows: bool = os.name == "nt", now: int = 0) -> int:
    """When a file's content last changed, in nanoseconds; `now` is the time that counts as now."""
    if not windows:
        # Not the modification time: it comes along when a file is moved or unpacked, from the past or from the future.
        return status.st_ctime_ns
    # Windows tells no such time. That of creation is new for a file that was copied or unpacked to its place; a
    # modification in the future came along.
    modified = status.st_mtime_ns if status.st_mtime_ns <= (now or time.time_ns()) else 0
    return max(modified, status.st_ctime_ns)
