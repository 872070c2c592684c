"""Following a notebook's file: what a Live does with each text that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.errors import SettingError
from hotplate.reload.live import Live
from hotplate.session.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.events import Sink
    from hotplate.notebook.model import NotebookModel
    from hotplate.reload import HotReloader
    from hotplate.run import Run
    from hotplate.session.conductor import Conductor
    from hotplate.session.contents import Contents
    from hotplate.session.order import Order


def follow(
    contents: Contents, reloader: HotReloader, conductor: Conductor, order: Order, sinks: Sequence[Sink], **how: Any
) -> Live:
    """Makes what each text of the file has run as `order` says; `how` is what Live takes. See Notebook.watch."""
    if not contents.file.is_followed:
        raise SettingError(f"{contents.path.name} has no file to watch; save its text to one and open that")
    if contents.model.cells:
        conductor.propose(contents.model, order)

    def read() -> NotebookModel:
        contents.file.read()
        return contents.model

    def ran(run: Run) -> None:
        conductor.last_run = run

    return Live(
        contents.path,
        reloader,
        read,
        lambda model: conductor.propose(model, order),
        lambda version, recorder, abort: conductor.evaluation(
            version, order, recorder, abort, Layout.of(order, version.graph, version.graph, contents.path.name)
        ),
        order.executor,
        conductor.turn,
        ran,
        sinks,
        **how,
    )
