"""What came of a magic, put into words; and errors that need no traceback, for it has been said what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from hotplate.jupyter.summary import Row, Summary

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hotplate.jupyter.running import Ran
    from hotplate.jupyter.session import Definition, Session
    from hotplate.jupyter.watching import Watched

E = TypeVar("E", bound=BaseException)

_FEW = 8
"""So many cells are named one by one even if nothing has happened to them."""


def quietly(error: E, words: str) -> E:
    """The error, which IPython shows as these words and without a traceback."""
    shown = [f"{type(error).__name__}: {words}"]
    error.args = (words,)
    error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]  # IPython asks for it
    return error


def is_quiet(error: BaseException) -> bool:
    """Whether that has been done."""
    return hasattr(error, "_render_traceback_")


def summarise(session: Session, defined: Definition | None, ran: Ran | None) -> Summary:
    """A summary of what was defined and run."""
    notes: list[str] = list(defined.notes) if defined else []
    rows: dict[str, Row] = {}
    if ran is not None:
        rows |= {name: Row.of(result) for name, result in ran.results.items()}
        rows |= {name: Row(name, "waiting", why=f"needs {', '.join(names)}") for name, names in ran.missing.items()}
        notes += list(_missing_words(session, ran.missing))
    if defined is not None and defined.error is None:
        for name in defined.own:
            rows.setdefault(name, Row(name, "built"))
        took = defined.built
        rows = {name: replace(row, build_seconds=took.get(name, 0.0)) for name, row in rows.items()}
        helpers = defined.fragment.model.helpers.values()
        notes += [f"{helper.name} is no cell: {helper.reason}" for helper in helpers if helper.reason]
        if not defined.fragment.cells:
            names = ", ".join(sorted(defined.fragment.defined)) or "nothing"
            notes.append(f"{defined.fragment.place} defines {names}, and no cell of its own")
    shown, folded = _fold(rows.values())
    return Summary(
        shown,
        (*folded, *notes),
        ran.problems if ran else (),
        defined.findings if defined else (),
    )


def summary_of_watch(watched: Watched) -> Summary:
    """How the file stands, as something to show."""
    status = watched.status
    if status is None:
        return Summary(notes=(f"{watched.path.name} is not being watched",))
    rows = tuple(Row.of(result) for result in status.run.cells.values()) if status.run is not None else ()
    phase = "" if status.phase == "waiting" else f", {status.phase}"
    heading = f"watching {watched.path.name}, v{status.version}{phase}; %hotplate watch --stop ends it"
    problems = [str(cell.outcome.error) for cell in status.run.failures if cell.outcome.error] if status.run else []
    error = status.reload.error if status.reload is not None else None
    if error is not None and not status.diagnostics:
        problems.append(str(error))
    notes = tuple(filter(None, (status.notice, status.trouble, heading)))
    return Summary(rows, notes, tuple(problems), status.diagnostics)


def _fold(rows: Collection[Row]) -> tuple[tuple[Row, ...], list[str]]:
    """The rows to show, and how many there are besides to which nothing has happened."""
    idle = {status: [row for row in rows if row.status == status] for status in ("kept", "waiting")}
    folded = {status: len(found) for status, found in idle.items() if len(found) > _FEW}
    notes = [f"{count} cells are {status}; %hotplate list has them" for status, count in folded.items()]
    return tuple(row for row in rows if row.status not in folded), notes


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _FEW:
        return " and ".join(names)
    return f"{', '.join(names[:2])} and {len(names) - 2} others"


def _missing_words(session: Session, missing: Mapping[str, tuple[str, ...]]) -> list[str]:
    """For each input that is missing, who waits for it and how to give it."""
    waiting: dict[str, list[str]] = {}
    for cell, names in missing.items():
        for name in names:
            waiting.setdefault(name, []).append(cell)
    return [
        f"{_listed(cells)} {'wait' if len(cells) > 1 else 'waits'} for {name}: "
        f"{session.namespace.why_missing(name)}, then %hotplate run {cells[0]}; or call {cells[0]}(...) with values of "
        "your own"
        for name, cells in waiting.items()
    ]
