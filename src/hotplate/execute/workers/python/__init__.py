"""Workers for Python cells: interpreters that take pickled functions, and give arrays back in shared memory.

`pool` and what it imports is the controller; `main` is the program of a worker, which shares `values`, `wire` and
`family` with it.
"""
