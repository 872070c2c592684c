"""Workers: the processes that isolated cells run in, and everything that controls them.

What lives here: starting workers, shared memory, calls with deadlines, what became of a worker. Which cells are
isolated is decided above; what runs in a worker is csrc/worker.
"""
