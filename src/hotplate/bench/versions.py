"""The versions that are timed: a notebook by revision, compiler and flags, each open as a notebook of its own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.bench.revisions import Revisions
from hotplate.diagnostic import Severity
from hotplate.errors import BuildError, NotebookError, SettingError
from hotplate.session import Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotplate.diagnostic import Diagnostic

__all__ = ["NOW", "Version", "named_places", "only_elsewhere", "open_versions", "pairs_of", "refuse_broken"]

NOW = "now"
"""What the file as it is on disk is called beside revisions of it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One way in which the cells are built."""

    label: str
    """What tells it from the other ones; "" when it is the only one."""
    notebook: Notebook
    revision: str
    """"" for the file as it is."""
    build: str
    """Compiler and flags, as they were asked for."""


def open_versions(
    path: Path, folder: Path, against: Sequence[str], compilers: Sequence[str | None], flags: Sequence[Sequence[str]]
) -> list[Version]:
    """Every combination, the file as it is first. Revisions are written below `folder`.

    Raises NotebookError, SettingError.
    """
    _refuse_twice("against", against)
    _refuse_twice("compiler", [compiler or "" for compiler in compilers])
    _refuse_twice("flags", [" ".join(words) for words in flags])
    texts = {"": path}
    if against:
        revisions = Revisions(path)
        texts |= {revision: revisions.check_out(revision, folder / str(i)) for i, revision in enumerate(against)}
    return [
        Version(
            _label(revision, compiler, words, (len(against) + 1, len(compilers), len(flags))),
            Notebook(text, compiler=compiler, flags=words),
            revision,
            f"{compiler or ''} {' '.join(words)}".strip(),
        )
        for compiler in compilers
        for words in flags
        for revision, text in texts.items()
    ]


def pairs_of(versions: Sequence[Version]) -> Iterator[tuple[int, int]]:
    """Which versions are compared, as (baseline, other).

    With revisions the file as it is with each of them, built the same way; else all with the first one.
    """
    if any(version.revision for version in versions):
        for i, baseline in enumerate(versions):
            for j, other in enumerate(versions):
                if baseline.revision and not other.revision and baseline.build == other.build:
                    yield i, j
    else:
        yield from ((0, j) for j in range(1, len(versions)))


def only_elsewhere(versions: Sequence[Version], asked: Sequence[str]) -> list[str]:
    """What a revision has and the file no longer has."""
    now = versions[0].notebook.model.cells
    seen: dict[str, list[str]] = {}
    for version in versions:
        if version.build == versions[0].build:
            gone = [name for name in version.notebook.model.cells if name not in now and (not asked or name in asked)]
            seen |= {version.revision: gone} if gone else {}
    return [f"{', '.join(gone)} of {revision} is not in the file any more" for revision, gone in seen.items()]


def refuse_broken(version: Version) -> None:
    """Raises NotebookError for a version whose text has errors, which may be why it lacks a cell."""
    errors = [found for found in version.notebook.check() if found.severity is Severity.ERROR]
    if errors:
        raise NotebookError(errors)


@contextmanager
def named_places(folder: Path, against: Sequence[str]) -> Iterator[None]:
    """Says in errors `HEAD:sub/a.c`, as git does, in place of where below `folder` that was written."""
    try:
        yield
    except (NotebookError, BuildError) as error:
        found = [_named(it, folder, against) for it in error.diagnostics]
        if tuple(found) == error.diagnostics:
            raise
        raise type(error)(found) from error


def _named(found: Diagnostic, folder: Path, against: Sequence[str]) -> Diagnostic:
    notes = tuple(_named(note, folder, against) for note in found.notes)
    for i, revision in enumerate(against):
        place = Path(found.path)
        if found.path and place.is_relative_to(folder / str(i)):
            path = f"{revision}:{place.relative_to(folder / str(i)).as_posix()}"
            return replace(found, path=path, notes=notes)
    return replace(found, notes=notes)


def _label(revision: str, compiler: str | None, words: Sequence[str], counts: tuple[int, int, int]) -> str:
    """What of it there are several of."""
    parts = (
        compiler or "default compiler" if counts[1] > 1 else "",
        " ".join(words) or "no flags" if counts[2] > 1 else "",
        revision or NOW if counts[0] > 1 else "",
    )
    return ", ".join(part for part in parts if part)


def _refuse_twice(option: str, values: Sequence[str]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise SettingError(f"{option} has {value!r} twice; give each once")
