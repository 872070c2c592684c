"""What the marker of a test asks for: a notebook, its settings, and cells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.pytest_plugin.notebooks import NOTEBOOKS, Notebooks, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotplate.notebook.model import NotebookModel

MARKER = (
    "hotplate(file, *cells, compiler=None, flags=(), isolated=False, sanitize=False, inputs={}, shared=True): "
    "the notebook that the test is about, and which of its cells `hotplate_cell` stands for (default: all)"
)


@dataclass(frozen=True)
class Wanted:
    """What a marker asks for."""

    path: Path
    cells: tuple[str, ...] = ()
    compiler: str | None = None
    flags: tuple[str, ...] = ()
    isolated: bool = False
    sanitize: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = True

    @property
    def settings(self) -> dict[str, Any]:
        """How the notebook is opened."""
        names = ("compiler", "flags", "isolated", "sanitize", "shared")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Problem:
    """Stands for a cell that there is not."""

    about: str
    message: str


def of_marker(item: pytest.Item) -> Wanted:
    """What the nearest marker of a test says. Fails the test where it makes no sense, or there is none."""
    if (mark := item.get_closest_marker("hotplate")) is None:
        name = getattr(item, "originalname", item.name)
        refuse(f'{name} says no notebook; give it @pytest.mark.hotplate("FILE"), or use hotplate_open')
    return wanted_by(item, *mark.args, **mark.kwargs)


def wanted_by(item: pytest.Item, /, *names: Any, **settings: Any) -> Wanted:
    """What the arguments of a marker mean for a test. Fails it where they make no sense."""
    if not names:
        refuse('hotplate: which notebook? The marker begins with its file: @pytest.mark.hotplate("FILE")')
    if isinstance(flags := settings.get("flags", ()), str):
        refuse(f"hotplate: flags is {flags!r}; give a list: flags={flags.split()}")
    file, *cells = names
    try:
        return Wanted(item.path.parent / file, tuple(cells), **{**settings, "flags": tuple(flags)})
    except TypeError as error:
        refuse(f"hotplate: {str(error).replace('Wanted.__init__()', 'the marker')}; it is {MARKER.partition(':')[0]}")


def chosen_cells(metafunc: pytest.Metafunc) -> list[str | Problem]:
    """The names of the cells that a test function runs for, or what is wrong."""
    from hotplate.errors import HotplateError
    from hotplate.notebook import suggest

    try:
        wanted = of_marker(metafunc.definition)
        cells = _parsed(metafunc.config.stash[NOTEBOOKS], wanted.path).cells
    except (pytest.fail.Exception, HotplateError) as error:
        return [Problem("no-notebook", str(error))]
    name = wanted.path.name
    if not cells:
        return [Problem("no-cells", f"{name} has no cells; `hotplate check` says why what it has is none")]
    chosen = wanted.cells or cells
    return [c if c in cells else Problem(c, f"{name} has no cell {c}; {suggest(c, cells)}") for c in chosen]


def _parsed(notebooks: Notebooks, path: Path) -> NotebookModel:
    if path not in notebooks.models:
        from hotplate.notebook import NotebookFile

        notebooks.models[path] = NotebookFile(path, None).model
    return notebooks.models[path]
