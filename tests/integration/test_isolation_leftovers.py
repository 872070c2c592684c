"""Of isolated cells nothing is left behind, however their workers or the session end; and forks share nothing."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from tests.integration.isolated_cells import CELLS, lives, pool_of
from tests.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are workers on Linux alone")


SESSION = """
import os, sys
import hotplate
nb = hotplate.Notebook("session.c", text='''
#include <stdint.h>
#include <unistd.h>
// %% A isolate=yes
int64_t process(int64_t n) { if (fork() == 0) for (;;) pause(); return getpid() + 0 * n; }
int64_t loops(int64_t n) {
    if (fork() == 0) for (;;) pause();
    for (volatile int64_t i = n;; i = i + 1) continue;
    return n;
}
''')
print(nb.load("process")(1), flush=True)
END
"""


def group(leader: int) -> list[str]:
    """The processes of a group, dead ones too."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            found.append(folder.name)
    return found


def entries(folder: str) -> int:
    """How many there are in a folder."""
    return len(list(Path(folder).iterdir()))


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(3)", "os._exit(0)", "raise ValueError", "nb.load('loops')(1)"],
    ids=["the end", "exit", "_exit", "exception", "SIGKILL amid a call"],
)
def test_a_session_leaves_no_process_behind(start: Callable[..., subprocess.Popen[str]], end: str) -> None:
    session = start(code=SESSION.replace("END", end))
    assert session.stdout is not None
    worker = int(session.stdout.readline())
    if "loops" in end:
        assert eventually(lambda: len(group(worker)) == 2)
        session.kill()
    session.communicate(timeout=60)
    assert eventually(lambda: not group(worker))


def test_what_a_cell_forked_ends_although_worker_and_session_are_killed_at_once(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    session = start(code=SESSION.replace("END", "nb.load('loops')(1)"))
    assert session.stdout is not None
    worker = int(session.stdout.readline())
    assert eventually(lambda: len(group(worker)) == 2)
    session.send_signal(signal.SIGSTOP)  # so that it does not see the worker's end, nor the worker its
    os.kill(worker, signal.SIGKILL)
    session.kill()
    session.communicate(timeout=60)
    assert eventually(lambda: not group(worker))


def test_deaths_leave_no_descriptor_process_or_file(own: hotplate.Notebook) -> None:
    dies, process = own.load("dies"), own.load("process")
    kept = []

    def crash(times: int) -> None:
        for _ in range(times):
            try:
                dies(1)
            except hotplate.errors.CellCrashed as error:
                kept.append(error)  # with its traceback, and what the frames there hold

    def held() -> tuple[int, int]:
        return entries("/proc/self/fd"), entries("/dev/shm")

    crash(3)
    assert eventually(lambda: len(pool_of(own).workers) == 2)
    before = held()
    crash(10)
    process()
    assert eventually(lambda: len(pool_of(own).workers) == 2)
    assert held() == before


def test_a_closed_pool_leaves_no_descriptor(nb: hotplate.Notebook) -> None:
    def once() -> None:
        notebook = hotplate.Notebook(nb.path, text=CELLS)
        notebook.load("negative")(np.zeros(1000))
        assert eventually(lambda: len(pool_of(notebook).workers) == 2)

    def held() -> int:
        gc.collect()
        return entries("/proc/self/fd")

    once()
    before = held()
    for _ in range(3):
        once()
    assert held() <= before


# ---- a fork of the session ----


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own(own: hotplate.Notebook) -> None:
    process, negative = own.load("process"), own.load("negative")
    before, mine = negative(np.full(100_000, 3.0)), process()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            theirs = process()
            right = all((negative(np.full(100_000, float(i))) == -i).all() for i in range(5))
            pool_of(own).close()
            os.write(write, f"{theirs} {right} {lives(mine)}".encode())
        finally:
            os._exit(0)
    os.close(write)
    results = [negative(np.full(100_000, 50.0 + i)) for i in range(5)]
    theirs, *told = os.read(read, 100).decode().split()
    os.close(read)
    os.waitpid(child, 0)
    assert told == ["True", "True"]
    assert int(theirs) != mine
    assert [result[-1] for result in results] == [-50.0, -51.0, -52.0, -53.0, -54.0]
    assert (before == -3.0).all()
    assert process() == mine


CROWDED = """
import contextlib, gc, os, resource, time
import hotplate
nb = hotplate.Notebook("crowded.c", text='''
#include <stdint.h>
#include <unistd.h>
// %% A isolate=yes
int64_t process(int64_t n) { return getpid() + 0 * n; }
''')
nb._reloader.build(nb.model, ["process"])
nb._reloader.toolchain.programs.worker()  # nothing but workers is started under the limit
resource.setrlimit(resource.RLIMIT_NOFILE, (96, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

def fill():
    filled = []
    with contextlib.suppress(OSError):
        while True:
            filled.append(os.dup(0))
    return filled

def descriptors_left():
    gc.collect()
    filled = fill()
    for number in filled:
        os.close(number)
    return len(filled)

def sweep():
    for room in range(20):
        filled = fill()
        for _ in range(room):
            os.close(filled.pop())
        pool = hotplate.execute.workers.native.native_pool(nb._reloader.toolchain, policy, 1)
        pool._has_spares = False
        with contextlib.suppress(OSError):
            with pool.worker():
                pass
        pool.close()
        for number in filled:
            os.close(number)

import hotplate.execute.workers.native
from hotplate.execute.workers.policy import Policy
policy = Policy()
sweep()
before = descriptors_left()
sweep()
print(before - descriptors_left(), nb.run(n=1)["process"] > 0, flush=True)
"""


def test_a_worker_that_no_descriptors_are_left_for_takes_none_along(
    start: Callable[..., subprocess.Popen[str]],
) -> None:
    process = start(code=CROWDED)
    out, err = process.communicate(timeout=60)
    assert (out.split(), process.returncode) == (["0", "True"], 0), err
