"""The command line: each command is a thin layer over the Python interface.

`app` has the entry and the exit codes; `run`, `notebooks` and `machine` have the commands; the other modules make what
people (`display`) and programs (`reports`) read.
"""
