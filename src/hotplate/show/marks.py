"""One mark for each state of a cell, in the terminal and in notebooks: a sign, and a colour that need not be seen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is marked. Signs differ where colours do, so that neither is needed to tell states apart."""

    sign: str
    """One character; "" where something turns instead, as it goes on."""
    style: str
    """In a terminal, as rich names it."""
    tone: str
    """In HTML: one of `pages.TONES`."""


def mark_of(state: str) -> Mark:
    """The mark of a state or a status; one that is not listed went wrong."""
    return _MARKS.get(state, _WRONG)


_WRONG = Mark("✗", "bold red", "bad")
_MARKS = {
    "ok": Mark("✓", "green", "good"),
    "kept": Mark("=", "cyan", "kept"),
    "given": Mark("=", "cyan", "kept"),
    "draft": Mark("≈", "yellow", "late"),
    "stale": Mark("↻", "yellow", "late"),
    "building": Mark("", "yellow", "late"),
    "running": Mark("", "bold cyan", "busy"),
    "waiting": Mark("·", "dim", "idle"),
    "skipped": Mark("-", "yellow", "idle"),
    "cancelled": Mark("-", "yellow", "idle"),
}
