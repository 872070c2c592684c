"""Scene: what one picture of the live view shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.reload import LiveStatus


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one picture shows, besides the rows."""

    title: str
    width: int
    height: int
    """How many lines there are at most."""
    now: float = 0.0
    status: LiveStatus | None = None
    progress: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    message: str = ""
    """What must be told now: an answer to a key, a cell that does not end."""
    keys: bool = False
    help: bool = False
    final: bool = False
    """Whether it is the last picture, which stays behind."""
