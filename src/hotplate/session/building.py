"""Building: what compilers make of an open notebook and say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity, sorted_once
from hotplate.errors import BuildError, InputError, SettingError
from hotplate.execute.interrupt import watch as interrupts
from hotplate.notebook.model import ItemKind
from hotplate.session.contents import Contents, refuse_errors
from hotplate.toolchain import Artifact, BuildFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hotplate.load import LoadedCell
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload import HotReloader
    from hotplate.session.editor import EditorEntry
    from hotplate.toolchain.database import CompilationDatabase


class Building:
    """Checks, builds and loads cells, of the file as it is when that is asked for. See the methods of Notebook."""

    def __init__(self, contents: Contents, reloader: HotReloader) -> None:
        self._contents = contents
        self._reloader = reloader

    def check(self) -> tuple[Diagnostic, ...]:
        """See Notebook.check."""
        self._contents.file.refresh()
        model, graph = self._contents.model, self._contents.graph
        broken_rules = notation.check(model, graph)
        told = {found.line for found in broken_rules if found.severity is Severity.ERROR}
        half_typed = {found.cell for found in broken_rules if found.rule == "syntax"}
        built = self._reloader.build(model, [name for name in model.cells if name not in half_typed])
        compiled = [d for result in built.values() for d in _findings(result) if d.line not in told]
        if any(item.kind is ItemKind.BROKEN for item in model.items):
            compiled += self._reloader.toolchain.check_syntax(model)
        built_all = all(isinstance(result, Artifact) for result in built.values())
        if built_all and not told:
            compiled += self._reloader.conflicts(model, graph, built)
        return sorted_once((*broken_rules, *compiled, *notation.helper_notes(model)))

    def build(self, names: Sequence[str]) -> Mapping[str, Artifact]:
        """See Notebook.build."""
        model = self._sound()
        built = self._reloader.build(model, names or model.cells)
        if any(isinstance(result, BuildFailure) for result in built.values()):
            raise BuildError(sorted_once(found for result in built.values() for found in _findings(result)))
        return {name: result for name, result in built.items() if isinstance(result, Artifact)}

    def load(self, name: str, *, isolated: bool | None, version: int | None) -> LoadedCell:
        """See Notebook.load."""
        model = self._reloader.text_of(version) if version is not None else None
        if model is None:
            model = self._sound()
        if name not in model.cells:
            raise InputError(f"{self._contents.path.name} has no cell {name}; {notation.suggest(name, model.cells)}")
        interrupts.arm()  # Ctrl-C reaches the calls of what is loaded here
        return self._reloader.load(model, name, isolated=isolated)

    def remarks(self, names: Sequence[str]) -> tuple[Diagnostic, ...]:
        """See Notebook.remarks."""
        from hotplate.toolchain.remarks import remarks_on  # only for who asks

        model = self._sound()
        return remarks_on(self._reloader.toolchain, model, names or model.cells)

    def write_compile_command(self) -> Path:
        """See Notebook.write_compile_command."""
        if not self._contents.file.is_followed:
            name = self._contents.path.name
            raise SettingError(f"{name} has no file for editors; save its text to one and open that")
        self._contents.file.refresh()
        database = self._database()
        database.update(self._reloader.toolchain.compile_command(self._contents.model))
        return database.path

    def editor_entry(self, *, create: bool) -> EditorEntry:
        """What keeps the notebook's entry in compile_commands.json current while it is watched."""
        from hotplate.session.editor import EditorEntry

        command = self._reloader.toolchain.compile_command
        return EditorEntry(self._database(), lambda: self._contents.model, command, create=create)

    def _sound(self) -> NotebookModel:
        """The file as it is. Raises NotebookError for what breaks the notation's rules."""
        self._contents.file.refresh()
        refuse_errors(notation.check(self._contents.model, self._contents.graph))
        return self._contents.model

    def _database(self) -> CompilationDatabase:
        from hotplate.toolchain.database import CompilationDatabase  # only for editors

        return CompilationDatabase(self._contents.path.parent, self._reloader.toolchain.cache)


def _findings(result: Artifact | BuildFailure) -> tuple[Diagnostic, ...]:
    return result.warnings if isinstance(result, Artifact) else result.diagnostics
