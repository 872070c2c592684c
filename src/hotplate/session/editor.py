"""EditorEntry: what editors know of a notebook is kept current while it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate.errors import HotplateError, ToolchainError
from hotplate.events import Kind, log
from hotplate.toolchain.database import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.events import Event
    from hotplate.notebook.model import NotebookModel
    from hotplate.toolchain.database import CompilationDatabase, Entry


class EditorEntry:
    """A sink that updates the notebook's entry in compile_commands.json when sections ask for other flags.

    What hotplate wrote it keeps current; what others wrote or edited stays as it is. What keeps it from doing its work
    is said once. `create` makes an entry where there is none.
    """

    def __init__(
        self,
        database: CompilationDatabase,
        model: Callable[[], NotebookModel],
        entry: Callable[[NotebookModel], Entry],
        *,
        create: bool,
        say: Callable[[str], None] = log.warning,
    ) -> None:
        self._database = database
        self._model = model
        self._entry = entry
        self._create = create
        self._say = say
        self._said: set[str] = set()
        self._seen: NotebookModel | None = None
        self._facts: object = None

    def __call__(self, event: Event) -> None:
        """Looks whether a newer text was read; see Sink."""
        if event.kind is Kind.RELOAD_STARTED or (model := self._model()) is self._seen:  # started: not read yet
            return
        self._seen = model
        attributes = [section.attributes for section in model.sections]
        facts = [(a.flags, a.libs, a.std) for a in attributes]
        if facts != self._facts and (self._create or self._database.path.exists()):
            self._update(model)
        self._facts = facts

    def _update(self, model: NotebookModel) -> None:
        try:
            owner = self._database.update(
                self._entry(model), {Owner.HOTPLATE, *([Owner.NOBODY] if self._create else [])}
            )
        except ToolchainError:  # no compiler, as whoever watches is told anyhow
            return
        except HotplateError as error:
            self._say_once(str(error))
            return
        if owner is Owner.EDITED or (owner is Owner.OTHERS and self._create):
            whose = "that somebody has edited" if owner is Owner.EDITED else "that hotplate did not write"
            name = model.path.name
            self._say_once(
                f"{self._database.path.name} has an entry for {name} {whose}, and it is left as it is; "
                f"`hotplate compile-commands {name}` writes another"
            )

    def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._say(message)
