"""CompilationDatabase: compile_commands.json, which tells clangd and other tools how a file is compiled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate import _platform
from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Collection

    from hotplate.toolchain.cache import Cache

Entry = Mapping[str, Any]
_MARK = "hotplate-"


class Owner(StrEnum):
    """Who wrote the entry of a file."""

    NOBODY = "nobody"
    """There is none."""
    HOTPLATE = "hotplate"
    EDITED = "edited"
    """hotplate, and somebody changed it."""
    OTHERS = "others"


def signed(entry: Entry) -> dict[str, Any]:
    """The entry as hotplate writes it, so that it is known again, also when somebody has edited it.

    A hash of the command stands in `output`, for nothing is made: clang's tools refuse keys that are not their own, and
    JSON has no comments.
    """
    return {**entry, "output": _MARK + _hash("\0".join(entry["arguments"]))}


class CompilationDatabase:
    """The one of a folder. Threads and processes may update it at the same time; readers see all of it or the last."""

    def __init__(self, folder: Path, cache: Cache) -> None:
        self.path = folder / "compile_commands.json"
        self._cache = cache

    def update(self, entry: Entry, over: Collection[Owner] = frozenset(Owner)) -> Owner:
        """Makes it the entry of its file where that was written by one of `over`, and returns who wrote what was there.

        The file is written only when that changes something; entries of other files stay as they are. Raises
        SettingError when it can't be read or written, or is none; it stays as it is then.
        """
        try:
            with self._cache.lock("database", _hash(str(self.path))):
                return self._update(entry, over)
        except json.JSONDecodeError as error:
            where = f"can't update {self.path}: it is not JSON (line {error.lineno})"
            raise SettingError(f"{where}; mend it, or move it away, and try again") from error
        except ValueError as error:
            message = f"can't update {self.path}: {error}; mend it, or move it away, and try again"
            raise SettingError(message) from error
        except OSError as error:
            raise SettingError(f"can't update {self.path}: {error.strerror}; look who may write there") from error

    def _update(self, entry: Entry, over: Collection[Owner]) -> Owner:
        entries = self._read()
        place = next((i for i, known in enumerate(entries) if _file(known) == _file(entry)), len(entries))
        before = entries[place : place + 1]
        owner = _owner(before[0]) if before else Owner.NOBODY
        if owner in over and before != [entry]:
            self._write([*entries[:place], entry, *entries[place + 1 :]])
        return owner

    def _read(self) -> list[Entry]:
        try:
            entries = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise ValueError("it is no list of commands")
        return entries

    def _write(self, entries: list[Entry]) -> None:
        target = self.path.resolve()  # often a link to the one in a build folder
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            temporary.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
            _platform.replace_file(temporary, target)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise


def _owner(entry: Entry) -> Owner:
    if not str(entry.get("output", "")).startswith(_MARK):
        return Owner.OTHERS
    try:
        return Owner.HOTPLATE if signed(entry) == entry else Owner.EDITED
    except (KeyError, TypeError):
        return Owner.EDITED


def _file(entry: Entry) -> str:
    """The file that an entry is about; relative ones begin in its directory."""
    path = Path(str(entry.get("directory", "")), str(entry.get("file", "")))
    return os.path.normcase(os.path.normpath(path))


def _hash(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(os.fsencode(text))
