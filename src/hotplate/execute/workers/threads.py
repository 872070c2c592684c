"""Threads for what nobody waits for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def apart(name: str, work: Callable[[], None]) -> None:
    """Does something on a daemon thread; here and now where none can be started, for nothing else may fail of that."""
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        work()
