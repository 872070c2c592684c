"""A notebook as it was at a revision of its git repository, with the files of the repository that it includes."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Revisions", "included_files"]

_INCLUDE = re.compile(rb"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"\n]+)[>\"]", re.MULTILINE)


class Revisions:
    """The repository that a notebook is in.

    Raises SettingError where there is no git, no repository, no such revision or no such file in it. What is not
    committed is no obstacle: it is what the revisions are compared with.
    """

    def __init__(self, notebook: Path) -> None:
        self._notebook = notebook.resolve()
        if not self._notebook.is_file():
            raise SettingError(f"there is no file {notebook} to compare with its revisions")
        root = self._git("rev-parse", "--show-toplevel", problem=f"{notebook.name} is in no git repository")
        self._root = Path(os.fsdecode(root.removesuffix(b"\n")))
        self._name = self._notebook.relative_to(self._root.resolve()).as_posix()

    def check_out(self, revision: str, folder: Path) -> Path:
        """Writes the notebook as it was, and what it includes, below a folder; returns its path there."""
        commit = self._commit(revision)
        names = self._names(commit)
        if self._name not in names:
            message = f"--against {revision}: {self._name} was not there yet, or under another name"
            raise SettingError(f"{message}; `git log --follow {self._name}` shows since when")
        texts: dict[str, bytes] = {}
        pending = [self._name]
        while pending:
            name = pending.pop()
            texts[name] = self._text(f"{commit}:{name}", f"can't read {name} at {revision}")
            pending += [other for other in included_files(texts[name], names) if other not in texts]
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        return folder / self._name

    def _commit(self, revision: str) -> str:
        problem = f"--against {revision}: the repository {self._root} has no such revision"
        found = self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}",
            problem=f"{problem}; `git log --oneline -- {self._name}` lists those of the notebook",
        )  # fmt: skip
        return found.decode().strip()

    def _names(self, commit: str) -> frozenset[str]:
        listed = self._git(
            "-C", str(self._root), "ls-tree", "-r", "-z", "--name-only", commit, problem=f"can't list {commit}"
        )
        return frozenset(listed.decode("utf-8", "surrogateescape").split("\0"))

    def _text(self, name: str, problem: str) -> bytes:
        """What is in a file, given as commit:path; of a symbolic link, what it leads to."""
        asked = f"{name}\n".encode("utf-8", "surrogateescape")
        answer = self._git("cat-file", "--batch", "--follow-symlinks", problem=problem, asked=asked)
        head, _, text = answer.partition(b"\n")
        words = head.split(b" ")
        if words[1:2] != [b"blob"]:
            raise SettingError(f"{problem}: it is a link that leads to no file of the revision")
        return text[: int(words[2])]

    def _git(self, *words: str, problem: str, asked: bytes = b"") -> bytes:
        try:
            done = subprocess.run(
                ["git", *words], cwd=self._notebook.parent, input=asked, capture_output=True, check=False
            )
        except OSError as error:
            message = f"--against takes git, which can't be run here ({error.strerror}); install it"
            raise SettingError(message) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            raise SettingError(f"{problem}" + (f" (git: {said})" if said else ""))
        return done.stdout


def included_files(text: bytes, names: frozenset[str]) -> Iterator[str]:
    """The files among `names` that a text may mean by what it includes, wherever the compiler would look for them."""
    by_last: Mapping[str, list[str]] = _by_last_part(names)
    for match in _INCLUDE.finditer(text):
        parts = [part for part in PurePosixPath(match[1].decode(errors="replace")).parts if part not in ("..", ".")]
        for name in by_last.get(parts[-1], ()) if parts else ():
            if list(PurePosixPath(name).parts[-len(parts) :]) == parts:
                yield name


def _by_last_part(names: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.rpartition("/")[2], []).append(name)
    return found
