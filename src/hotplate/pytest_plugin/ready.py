"""ReadyCell: a cell with its inputs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hotplate.pytest_plugin.notebooks import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.load import LoadedCell
    from hotplate.session import Notebook


class ReadyCell(partial[Any]):
    """A loaded cell with its inputs: a call without arguments runs it once; those given by name replace inputs.

    A partial object, so a call costs what the cell's own does.
    """

    func: LoadedCell

    @property
    def name(self) -> str:
        """The cell's name."""
        return self.func.name

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The values by name that it is called with."""
        return self.keywords

    def __repr__(self) -> str:
        return f"<ReadyCell {self.name}({', '.join(self.inputs)})>"


def ready(notebook: Notebook, name: str, given: Mapping[str, Any]) -> ReadyCell:
    """A cell with what the cells before it give, and with what is given instead."""
    __tracebackhide__ = True
    from hotplate.errors import HotplateError, InputError
    from hotplate.notebook import suggest

    graph = notebook.graph
    if unknown := [value for value in given if value not in graph.nodes and value not in graph.inputs]:
        known = {*graph.nodes, *graph.inputs}
        refuse(f"{notebook.path.name} has no cell or input {unknown[0]}; {suggest(unknown[0], known)}")
    try:
        before = [other for other in graph.dependencies(name) if other not in given]
        computed: Mapping[str, Any] = notebook.run(*before, inputs=given) if before else {}
        cell = notebook.load(name)
    except InputError as error:
        refuse(f"{name} gets no inputs: {error}\nA test gives values by name in its marker: inputs={{...}}")
    except HotplateError as error:
        refuse(f"{name} gets no inputs: {error}")
    sources = [(p, given if p in given else computed) for p in cell.parameters]
    return ReadyCell(cell, **{p: source[p] for p, source in sources if p in source})
