"""Two recorded runs side by side: what they were given and what came of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate.cli.runs.one import status_of
from hotplate.cli.runs.values import Difference, difference, value_of
from hotplate.run.memory import FORGIVEN
from hotplate.show.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console

    from hotplate.run.store import CellRecord, RunRecord, RunStore, StoredValue

SHOWN = 40
"""Lines of the notebook's changes that people see."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What one fact is in each run; None where it is not there."""

    one: Any
    other: Any


@dataclass(frozen=True, slots=True)
class CellPair:
    """One cell in both runs."""

    name: str
    status: Pair
    seconds: Pair
    code: str
    """Whether the built code is the `same` or `different`; "" where one run has none."""
    value: Difference | None
    """None unless both have a value."""

    @property
    def ratio(self) -> float | None:
        """What the second run took for it, relative to the first."""
        if not self.seconds.one or not self.seconds.other:
            return None
        return float(self.seconds.other / self.seconds.one)

    @property
    def is_same(self) -> bool:
        """Whether there is nothing to tell of but times."""
        value = self.value is None or self.value.verdict == "same"
        return self.status.one == self.status.other and self.code != "different" and value


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two runs differ. Facts that are the same are left out, but for the cells."""

    runs: tuple[str, str]
    facts: Mapping[str, Pair]
    given: Mapping[str, Pair]
    options: Mapping[str, Pair]
    text: tuple[str, ...]
    """The notebook's changes, as a unified diff."""
    cells: tuple[CellPair, ...]


def compare(store: RunStore, one: RunRecord, other: RunRecord) -> Comparison:
    """Compares two runs. Values are read only where their recorded hashes differ."""
    a, b = one.summary, other.summary
    facts = {name: Pair(getattr(a, name), getattr(b, name)) for name in ("notebook", "state", "targets", "version")}
    given = _pairs({**one.given, **a.point}, {**other.given, **b.point})
    return Comparison(
        (one.id, other.id),
        {name: pair for name, pair in facts.items() if pair.one != pair.other},
        {name: _shown(store, pair) for name, pair in given.items()},
        _pairs(_chosen(one.options), _chosen(other.options)),
        tuple(_text_changes(one, other)),
        tuple(_cell_pair(store, name, one, other) for name in dict.fromkeys((*one.cells, *other.cells))),
    )


def _chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Without what resumes have added."""
    return {name: value for name, value in options.items() if name != FORGIVEN}


def _pairs(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Pair]:
    """What is not the same in both."""
    pairs = {name: Pair(one.get(name), other.get(name)) for name in dict.fromkeys((*one, *other))}
    return {name: pair for name, pair in pairs.items() if pair.one != pair.other}


def _shown(store: RunStore, pair: Pair) -> Pair:
    return Pair(*(None if it is None else value_of(store, it).words for it in (pair.one, pair.other)))


def _text_changes(one: RunRecord, other: RunRecord) -> Iterator[str]:
    lines = (one.text.splitlines(), other.text.splitlines())
    return difflib.unified_diff(*lines, one.id, other.id, n=1, lineterm="")


def _cell_pair(store: RunStore, name: str, one: RunRecord, other: RunRecord) -> CellPair:
    a, b = one.results.get(name), other.results.get(name)
    statuses = Pair(*(None if it is None else status_of(it) for it in (a, b)))
    seconds = Pair(*(None if it is None else it.seconds for it in (a, b)))
    if a is None or b is None:
        return CellPair(name, statuses, seconds, "", None)
    code = "" if not a.key or not b.key else "same" if a.key == b.key else "different"
    return CellPair(name, statuses, seconds, code, _value_pair(store, a, b))


def _value_pair(store: RunStore, a: CellRecord, b: CellRecord) -> Difference | None:
    if a.status != "ok" or b.status != "ok":
        return None
    if a.contents and a.contents == b.contents:
        return Difference("same")
    values: tuple[StoredValue, StoredValue] = (a.value, b.value)
    return difference(*(value_of(store, value) for value in values))


# ---- as people read it


def print_comparison(console: Console, compared: Comparison) -> None:
    """Prints what differs in the notebook, the given values and the options, and a table of the cells."""
    from rich.text import Text

    for line in _changes(compared):
        console.print(Text(line), soft_wrap=True)
    headings = ("cell", *compared.runs, "code", "value", "difference", "took")
    rows = [[Text(part, "dim" if cell.is_same else "") for part in _cell_row(cell)] for cell in compared.cells]
    print_table(console, headings, rows, right=(5, 6), cut=[(4,)])


def _changes(compared: Comparison) -> Iterator[str]:
    for kind in (compared.facts, compared.given, compared.options):
        for name, pair in kind.items():
            yield f"{name}: {_words(pair.one)} → {_words(pair.other)}"
    yield from compared.text[:SHOWN]
    if len(compared.text) > SHOWN:
        yield f"... and {len(compared.text) - SHOWN} more lines: hotplate runs {' '.join(compared.runs)} --json"
    if not compared.text:
        yield "the notebook is the same"
    yield ""


def _words(fact: Any) -> str:
    if fact is None:
        return "none"
    return ", ".join(map(str, fact)) or "none" if isinstance(fact, (tuple, list)) else str(fact)


def _cell_row(cell: CellPair) -> Iterator[str]:
    value = cell.value
    yield cell.name
    yield cell.status.one or "-"
    yield cell.status.other or "-"
    yield cell.code
    yield "" if value is None else f"{value.verdict}: {value.words}" if value.words else value.verdict
    yield "" if value is None or value.largest is None else f"{value.largest:.3g}"
    yield "" if cell.ratio is None else f"{cell.ratio:.3g} times"


# ---- as programs read it


def document(compared: Comparison) -> dict[str, Any]:
    """`runs RUN OTHER --json`."""
    return {
        "runs": list(compared.runs),
        "facts": _pair_documents(compared.facts),
        "given": _pair_documents(compared.given),
        "options": _pair_documents(compared.options),
        "text": list(compared.text),
        "cells": [_cell_document(cell) for cell in compared.cells],
    }


def _pair_documents(pairs: Mapping[str, Pair]) -> dict[str, list[Any]]:
    return {name: [pair.one, pair.other] for name, pair in pairs.items()}


def _cell_document(cell: CellPair) -> dict[str, Any]:
    value = cell.value
    return {
        "name": cell.name,
        "status": [cell.status.one, cell.status.other],
        "run_seconds": [cell.seconds.one, cell.seconds.other],
        "code": cell.code or None,
        "value": None if value is None else value.verdict,
        "max_abs_difference": None if value is None else value.largest,
        "difference": "" if value is None else value.words,
    }
