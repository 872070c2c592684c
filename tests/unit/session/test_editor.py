"""The entry of a watched notebook in compile_commands.json, as texts of it come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from hotplate import notebook as notation
from hotplate.errors import ToolchainError
from hotplate.events import Event, Kind
from hotplate.session.editor import EditorEntry
from hotplate.toolchain.cache import Cache
from hotplate.toolchain.database import CompilationDatabase, signed

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.notebook import NotebookModel


class Desk:
    """A notebook, its database, and what is said."""

    def __init__(self, folder: Path) -> None:
        self.notebook = folder / "heat.c"
        self.database = CompilationDatabase(folder, Cache(folder / "cache"))
        self.said: list[str] = []
        self.is_broken = False
        self._model = notation.parse(self.notebook, "")

    def watched(self, *, create: bool) -> Desk:
        self._sink = EditorEntry(self.database, lambda: self._model, self.entry, create=create, say=self.said.append)
        return self

    def entry(self, model: NotebookModel) -> dict[str, Any]:
        if self.is_broken:
            raise ToolchainError("no compiler")
        flags = [flag for section in model.sections for flag in section.attributes.flags]
        return signed({"directory": "/", "file": str(self.notebook), "arguments": ["cc", *flags]})

    def saved(self, flags: str, kind: Kind = Kind.RELOAD_DONE) -> None:
        self._model = notation.parse(self.notebook, f'// %% A flags="{flags}"\n')
        self._sink(Event(kind, "watch", 1, 0.0))

    @property
    def flags(self) -> list[str] | None:
        if not self.database.path.exists():
            return None
        (entry,) = json.loads(self.database.path.read_text())
        return entry["arguments"][1:]  # type: ignore[no-any-return]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_new_flags_are_written_as_soon_as_they_were_read(desk: Desk) -> None:
    desk.watched(create=True).saved("-O2", Kind.CELL_BUILDING)
    assert desk.flags == ["-O2"]
    desk.saved("-O3")
    assert desk.flags == ["-O3"]


def test_what_was_not_read_yet_is_not_written(desk: Desk) -> None:
    desk.watched(create=True).saved("-O2", Kind.RELOAD_STARTED)
    assert desk.flags is None


def test_nothing_is_made_where_nobody_asked_for_it(desk: Desk) -> None:
    desk.watched(create=False).saved("-O2")
    assert (desk.flags, desk.said) == (None, [])


def test_what_hotplate_wrote_is_kept_current_without_being_asked(desk: Desk) -> None:
    desk.watched(create=True).saved("-O2")
    desk.watched(create=False).saved("-O3")
    assert desk.flags == ["-O3"]


@pytest.mark.parametrize("create", [True, False])
def test_what_somebody_edited_is_left_as_it_is_and_said_once(desk: Desk, create: bool) -> None:
    desk.watched(create=True).saved("-O2")
    text = desk.database.path.read_text().replace("-O2", "-DMINE")
    desk.database.path.write_text(text)
    desk.watched(create=create).saved("-O1")
    desk.saved("-O3")
    assert desk.database.path.read_text() == text
    assert desk.said == [
        "compile_commands.json has an entry for heat.c that somebody has edited, and it is left as it is; "
        "`hotplate compile-commands heat.c` writes another"
    ]


@pytest.mark.parametrize(("create", "told"), [(True, 1), (False, 0)])
def test_what_others_wrote_is_left_as_it_is(desk: Desk, create: bool, told: int) -> None:
    desk.database.path.write_text(json.dumps([{"file": str(desk.notebook), "arguments": ["gcc", "-g"]}]))
    desk.watched(create=create).saved("-O1")
    desk.saved("-O2")
    assert (desk.flags, len(desk.said)) == (["-g"], told)


def test_a_file_that_cannot_be_updated_is_said_once(desk: Desk) -> None:
    desk.database.path.mkdir()
    desk.watched(create=True).saved("-O1")
    desk.saved("-O2")
    (message,) = desk.said
    assert message.startswith(f"can't update {desk.database.path}: ")


def test_without_a_compiler_there_is_no_entry_and_nothing_more_to_say(desk: Desk) -> None:
    desk.is_broken = True
    desk.watched(create=True).saved("-O1")
    assert (desk.flags, desk.said) == (None, [])


def test_a_text_with_the_same_flags_writes_nothing(desk: Desk) -> None:
    desk.watched(create=True).saved("-O1")
    desk.database.path.unlink()
    desk.saved("-O1")
    assert desk.flags is None
