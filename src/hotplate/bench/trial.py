"""First calls in a worker: what crashes there does not take the benchmark, and all that it has measured, with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hotplate.errors import CellCrashed, CellTimedOut, SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.bench.versions import Version
    from hotplate.execute.workers.cell import IsolatedCell
    from hotplate.load import LoadedCell

__all__ = ["try_out"]


def try_out(version: Version, cell: LoadedCell, arguments: Mapping[str, Any]) -> None:
    """Calls a version's cell once in a worker, where there are workers, for as long as its section allows.

    Raises CellCrashed and CellTimedOut; of an isolated cell whatever went wrong. A worker has a clean environment and
    takes less text than this process, so of other cells that says nothing.
    """
    worker = _in_worker(version, cell)
    if worker is None:
        return
    timeout = version.notebook.model.cells[cell.name].section.attributes.timeout
    error = worker.attempt((), arguments, timeout=timeout).error
    if error is not None and (cell.isolated or isinstance(error, (CellCrashed, CellTimedOut, KeyboardInterrupt))):
        raise error


def _in_worker(version: Version, cell: LoadedCell) -> IsolatedCell | None:
    if cell.isolated:
        return cast("IsolatedCell", cell)
    try:
        return cast("IsolatedCell", version.notebook.load(cell.name, isolated=True))
    except SettingError:  # this system has no workers
        return None
