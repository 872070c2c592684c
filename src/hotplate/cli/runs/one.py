"""One recorded run: how it went, cell by cell."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hotplate.cli.reports import line, results
from hotplate.cli.runs import logs
from hotplate.cli.runs.values import Value, value_of
from hotplate.run.store import listing
from hotplate.show.tables import print_table
from hotplate.show.words import milliseconds, parts, preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from hotplate.events import Event
    from hotplate.run.attempts import Attempt
    from hotplate.run.store import CellRecord, RunRecord, RunStore

MOST = 100
"""Cells of a run that are shown."""


def print_one(console: Console, store: RunStore, record: RunRecord) -> None:
    """Prints the facts of a run, and a table of its cells."""
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, fact in _facts(store, record):
        facts.add_row(Text(name, "bold"), Text(fact))
    console.print(facts)
    if not listing.is_point(record.summary):
        console.print()
        _print_cells(console, store, record)


def _print_cells(console: Console, store: RunStore, record: RunRecord) -> None:
    from rich.text import Text

    shown = _shown(record)
    headings = ("cell", "status", "tries", "run", "type", "value")
    rows = [row for cell in shown for row in _rows(store, record, cell)]
    print_table(console, headings, rows, right=(2, 3), cut=[(5,), (4,)])
    if rest := len(record.cells) - len(shown):
        console.print(Text(f"... and {rest} more of {len(record.cells)}: hotplate runs {record.id} --json", "dim"))


def _shown(record: RunRecord) -> Sequence[str]:
    """The cells, or of very many the first of those with news: what has not ended, or not well, or at once."""
    if len(record.cells) <= MOST:
        return record.cells
    return [name for name in record.cells if _is_news(record, name)][:MOST] or record.cells[:MOST]


def _is_news(record: RunRecord, name: str) -> bool:
    result = record.results.get(name)
    return result is None or result.status != "ok" or len(record.attempts.get(name, ())) > 1


def _facts(store: RunStore, record: RunRecord) -> Iterator[tuple[str, str]]:
    run = record.summary
    yield "run", run.id
    yield "notebook", run.notebook
    yield "state", f"{run.state}: {run.problem}" if run.problem else run.state
    yield "began", listing.when(run.began)
    yield "took", milliseconds(listing.took(run))
    yield "owner", f"{run.owner}, hotplate {run.version}"
    if run.targets:
        yield "targets", ", ".join(run.targets)
    for name, stored in (*record.given.items(), *run.point.items()):
        yield f"{name} =", value_of(store, stored).words
    yield "options", _options(record) or "the usual ones"
    if run.parent is not None:
        yield "point of", f"{run.parent}, which has the results" if listing.is_point(run) else run.parent
    if children := listing.entry_of(store, run).children:
        yield "its runs", listing.counts(children)
    if logs.folder(store, record).exists():
        yield "logs", str(logs.folder(store, record))
    if listing.is_resumable(run):
        yield "go on", f"hotplate resume {store.shorten(run.id)}"


def _options(record: RunRecord) -> str:
    plain = {name: value for name, value in record.options.items() if value and not isinstance(value, dict)}
    return ", ".join(f"{name}={' '.join(value) if isinstance(value, list) else value}" for name, value in plain.items())


def _rows(store: RunStore, record: RunRecord, cell: str) -> Iterator[tuple[str, str, str, str, str, str]]:
    """The rows of a cell: its result, if it has ended, and each attempt but the one that led to it."""
    result, attempts = record.results.get(cell), record.attempts.get(cell, ())
    if result is None:
        yield cell, "", _number(len(attempts)), "", "", ""
    else:
        yield from _result_rows(store, result, len(attempts))
    for attempt in attempts if result is None else attempts[:-1]:
        took = milliseconds(attempt.seconds) if attempt.seconds else ""
        yield f"  attempt {attempt.number}", attempt.outcome, "", took, "", attempt.error.partition("\n")[0]


def _result_rows(store: RunStore, result: CellRecord, attempts: int) -> Iterator[tuple[str, str, str, str, str, str]]:
    took = milliseconds(result.seconds) if result.seconds else ""
    first = (result.cell, status_of(result), _number(attempts), took)
    if result.status != "ok":
        yield *first, "", (result.error or result.reason).partition("\n")[0]
        return
    value = value_of(store, result.value)
    if value.problem:
        yield *first, "", value.problem
        return
    if hasattr(type(value.value), "_fields"):
        yield *first, f"{len(value.value)} results", ""
        first = ("", "", "", "")
    for field, part in parts(value.value):
        yield f"  .{field}" if field else first[0], *first[1:], type_of(part), preview(part)


def _number(attempts: int) -> str:
    return str(attempts) if attempts > 1 else ""


def status_of(cell: CellRecord) -> str:
    """What `run` calls it."""
    return "given" if cell.given else "kept" if cell.kept else cell.status


def print_events(events: Sequence[Event]) -> None:
    """Prints a line for each event: when, which, what it tells."""
    for event in events:
        clock = time.strftime("%H:%M:%S", time.localtime(event.time)) + f".{int(event.time * 1000) % 1000:03}"
        attempt = f" attempt {event.attempt}" if event.attempt > 1 else ""
        data = f" {line(dict(event.data))}" if event.data else ""
        print(f"{clock} {event.kind}{' ' + event.cell if event.cell else ''}{attempt}{data}")


# ---- documents


def summary_document(entry: listing.Entry) -> dict[str, Any]:
    """One recorded run, as `runs --json` lists it."""
    run = entry.run
    return {
        "run": run.id,
        "notebook": run.notebook,
        "state": run.state,
        "problem": run.problem,
        "resumable": listing.is_resumable(run),
        "began": run.began,
        "ended": run.ended,
        "seconds": listing.took(run),
        "cells": run.cells,
        "outcomes": dict(run.outcomes),
        "targets": list(run.targets),
        "parent": run.parent,
        "children": {str(state): number for state, number in entry.children.items()},
        "owner": {"host": run.owner.host, "pid": run.owner.pid},
        "hotplate": run.version,
    }


def document(store: RunStore, record: RunRecord) -> dict[str, Any]:
    """`runs RUN --json`: what the list has of it, and the rest."""
    place = logs.folder(store, record)
    return {
        **summary_document(listing.entry_of(store, record.summary)),
        "given": _value_documents(store, record.given),
        "point": _value_documents(store, record.summary.point),
        "options": dict(record.options),
        "text": record.text,
        "logs": str(place) if place.exists() else None,
        "results": [_cell_document(store, record, cell) for cell in record.cells],
    }


def _value_documents(store: RunStore, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value_document(value_of(store, stored)) for name, stored in values.items()}


def _value_document(value: Value) -> dict[str, Any]:
    return {"results": [] if value.problem else results(value.value), "problem": value.problem}


def _cell_document(store: RunStore, record: RunRecord, cell: str) -> dict[str, Any]:
    result = record.results.get(cell)
    told = {"name": cell, "status": None, "attempts": [_attempt(it) for it in record.attempts.get(cell, ())]}
    if result is None:
        return told
    value = value_of(store, result.value) if result.status == "ok" else Value(None)
    return {
        **told,
        "status": status_of(result),
        "reason": result.reason,
        "error": result.error or None,
        "started": result.started,
        "run_seconds": result.seconds,
        "build_key": result.key,
        "compiler": result.compiler,
        "contents": {name or "": content for name, content in result.contents.items()},
        **_value_document(value),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    usage = attempt.usage
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "error": attempt.error or None,
        "started": attempt.started,
        "run_seconds": attempt.seconds,
        "not_before": attempt.not_before,
        "answer": attempt.cooperation.answer,
        "usage": usage and asdict(usage),
    }


def event_document(event: Event) -> dict[str, Any]:
    """An event, as `watch --json` prints it."""
    return {
        "kind": event.kind,
        "run": event.run,
        "sequence": event.sequence,
        "time": event.time,
        "cell": event.cell,
        "attempt": event.attempt,
        "data": dict(event.data),
    }
