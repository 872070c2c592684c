"""Which changes of a watched notebook's status are worth telling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotplate.reload import LiveStatus


def same_news(one: LiveStatus | None, other: LiveStatus | None) -> bool:
    """Whether two states tell people the same. Runs are not compared: their events tell them, and they hold arrays."""
    if one is None or other is None:
        return one is other
    return _news(one) == _news(other)


def _news(status: LiveStatus) -> tuple[object, ...]:
    return status.version, status.notice, status.phase, status.trouble, status.diagnostics
