"""`hotplate runs`: the recorded runs; `command` has the command, the others what it shows."""

from hotplate.cli.runs.command import runs

__all__ = ["runs"]
