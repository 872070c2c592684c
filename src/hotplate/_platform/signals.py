"""Names of signals, on any system."""

from __future__ import annotations

import signal


def signal_name(number: int) -> str:
    """The name of a signal: `SIGSEGV`; "" for a number that has none here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
