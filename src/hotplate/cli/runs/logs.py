"""What isolated cells of a recorded run wrote: their whole logs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hotplate.errors import InputError
from hotplate.notebook import suggest
from hotplate.run.lifecycles.capture import log_name

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.run.store import RunRecord, RunStore

_STREAMS = {".out": "stdout", ".err": "stderr"}


def folder(store: RunStore, record: RunRecord) -> Path:
    """Where a run's logs are, if there are any."""
    return store.folder / "logs" / record.id


def print_logs(store: RunStore, record: RunRecord, cell: str) -> None:
    """Writes what a cell wrote to stdout and stderr to these, all attempts in their order. Nothing is decoded.

    Of several attempts, a line on stderr says which it is.
    """
    found = _logs(store, record, cell)
    if not found:
        print(
            f"hotplate: {cell} wrote nothing in run {record.id} that was kept; only isolated cells have logs",
            file=sys.stderr,
        )
    several, told = len({attempt for attempt, _ in found}) > 1, 0
    for attempt, path in found:
        if several and attempt != told:
            sys.stdout.flush()
            print(f"hotplate: attempt {attempt}:", file=sys.stderr, flush=True)
            told = attempt
        stream = sys.stdout if path.suffix == ".out" else sys.stderr
        stream.flush()
        with path.open("rb") as log:
            while data := log.read(1 << 20):
                stream.buffer.write(data)
        stream.buffer.flush()


def documents(store: RunStore, record: RunRecord, cell: str) -> list[dict[str, Any]]:
    """The same for programs: each log with its attempt, stream, path and text."""
    return [
        {
            "attempt": attempt,
            "stream": _STREAMS[path.suffix],
            "path": str(path),
            "text": path.read_bytes().decode("utf-8", "replace"),
        }
        for attempt, path in _logs(store, record, cell)
    ]


def _logs(store: RunStore, record: RunRecord, cell: str) -> list[tuple[int, Path]]:
    """A cell's logs by attempt, stdout's before stderr's. Raises InputError for a cell that the run does not have."""
    if cell not in record.cells:
        raise InputError(f"run {record.id} has no cell {cell}; {suggest(cell, record.cells)}")
    found = []
    for path in folder(store, record).glob("*.*.*"):
        name, _, attempt = path.stem.rpartition(".")
        if name == log_name(cell) and attempt.isdigit() and path.suffix in _STREAMS:
            found.append((int(attempt), path))
    return sorted(found, key=lambda log: (log[0], log[1].suffix != ".out"))
