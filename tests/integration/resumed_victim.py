"""A process that runs a notebook and is killed at a moment that the test names: `python resumed_victim.py NOTEBOOK`.

It reads lines and forks a process for each, which begins or resumes a recorded run and gets SIGKILL at a point of the
store once so many attempts have begun (point 0: never), or after some seconds (0: never). How it ended goes to stdout.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import suppress

import hotplate
from hotplate.run.store.points import Point, listen


def _run(path: str, folder: str, log: str, run: str, executor: str, point: int, attempts: int) -> None:
    begun = 0

    def count(now: Point) -> None:
        nonlocal begun
        begun += now is Point.ATTEMPT_COUNTED
        if now == point and begun >= attempts:
            os.kill(os.getpid(), signal.SIGKILL)

    os.environ["HOTPLATE_RUNS_DIR"] = folder
    listen(count)
    notebook = hotplate.open(path)
    if run:
        notebook.resume(run, executor=executor)
    else:
        notebook.run(executor=executor, record=True, log=log)
    assert notebook._stores.own is not None
    notebook._stores.own.close()


def _serve(path: str) -> None:
    hotplate.open(path).check()  # which builds the cells
    for line in sys.stdin:
        folder, log, run, executor, point, attempts, seconds = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os.setsid()
            try:
                _run(path, folder, log, run, executor, int(point), int(attempts))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        if float(seconds):
            time.sleep(float(seconds))
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.write(1, f"{child} {os.waitstatus_to_exitcode(status)}\n".encode())


if __name__ == "__main__":
    _serve(sys.argv[1])
