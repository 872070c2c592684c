"""Which attempts at the cells of a run count no more when it is resumed: those at what has been changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate import notebook as notation
from hotplate.run.memory import FORGIVEN
from hotplate.values import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotplate.notebook.model import NotebookModel
    from hotplate.run.store import RunRecord, RunStore
    from hotplate.session.contents import Contents
    from hotplate.session.layout import Layout


def forgiven_attempts(
    contents: Contents, store: RunStore, record: RunRecord, layout: Layout, given: Mapping[str, Any], *, again: bool
) -> dict[str, int]:
    """Up to which number the attempts at each cell count no more, in JSON's types, for the next resume to know as well.

    An attempt in which the process ended has left no trace of what it was an attempt at, so it is told by the text and
    the values that the run had then. `given` are new values. `again`: none counts any more.
    """
    before: dict[str, int] = record.options.get(FORGIVEN, {})
    made = {name: attempts[-1].number for name, attempts in record.attempts.items()}
    if again:
        return made
    changed = {*_edited(contents.model, record), *_reached(contents, store, record, given)}
    changed |= contents.graph.descendants(changed)
    return before | {name: number for name, number in made.items() if layout.cells.get(name, name) in changed}


def _edited(model: NotebookModel, record: RunRecord) -> Iterator[str]:
    if model.text == record.text:
        return
    before = notation.parse(model.path, record.text)
    for name in model.cells:
        if name not in before.cells or _code(before, name) != _code(model, name):
            yield name


def _code(model: NotebookModel, name: str) -> tuple[object, ...]:
    """What makes an attempt another one: what the compiler is given, and whether the process can end in it."""
    cell, attributes = model.cells[name], model.cells[name].section.attributes
    built = (attributes.flags, attributes.libs, attributes.std)
    return cell.signature, notation.slice_cell(model, name).fingerprint, built, attributes.isolate


def _reached(contents: Contents, store: RunStore, record: RunRecord, given: Mapping[str, Any]) -> Iterator[str]:
    """The cells that take a value that is another one now, and those that such a value stands for."""
    for name, value in given.items():
        if not _is_same(store, record, name, value):
            yield name
            yield from (cell for cell, _ in contents.graph.inputs.get(name, ()))


def _is_same(store: RunStore, record: RunRecord, name: str, value: Any) -> bool:
    stored = record.given.get(name)
    loaded = None if stored is None else store.load(stored)
    content = digest(value)
    return loaded is not None and content is not None and digest(loaded.value) == content
