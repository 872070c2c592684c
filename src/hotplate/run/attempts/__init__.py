"""Attempts: how often a cell is tried, when again, and what came of each."""

from hotplate.run.attempts.record import Attempt

__all__ = ["Attempt"]
