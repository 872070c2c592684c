"""Lifecycles: one that writes down times, and one that leaves cells out."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.execute import Outcome, OutcomeKind
from hotplate.run.lifecycles import Lifecycle, Skip

if TYPE_CHECKING:
    from hotplate.run.lifecycles import CellContext


class Times(Lifecycle):
    """Writes a line of JSON about each attempt to the file that HOTPLATE_SAMPLE_TIMES names."""

    name = "times"
    api_version = 1

    def __init__(self) -> None:
        self._path = Path(os.environ.get("HOTPLATE_SAMPLE_TIMES", "times.jsonl"))
        self._begun: dict[CellContext, float] = {}
        self._lock = threading.Lock()

    def setup(self, context: CellContext) -> None:
        self._begun[context] = time.perf_counter()

    def teardown(self, context: CellContext, outcome: Outcome) -> None:
        seconds = time.perf_counter() - self._begun.pop(context)
        about = {
            "run": context.run,
            "cell": context.cell,
            "attempt": context.attempt,
            "outcome": outcome.kind,
            "seconds": seconds,
        }
        with self._lock, self._path.open("a") as file:
            file.write(json.dumps(about) + "\n")


class Hold(Lifecycle):
    """Leaves out the cells for which there is a file CELL.hold in the working directory."""

    name = "hold"
    api_version = 1

    def setup(self, context: CellContext) -> Skip | None:
        marker = Path(f"{context.cell}.hold")
        return Skip(Outcome(OutcomeKind.SKIPPED, reason=f"{marker} is there")) if marker.exists() else None
