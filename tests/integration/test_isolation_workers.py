"""What becomes of the workers of isolated cells: time-outs, Ctrl-C, kills, and limits."""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import signal
import sys
import threading
import time
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate import Policy
from hotplate.abi import ffi, lib
from hotplate.errors import CellCrashed, CellFailed, CellTimedOut, LoadError, RunCancelled, SettingError
from hotplate.execute import AbortHandle
from hotplate.execute.backend import OutcomeKind, Request
from hotplate.execute.mixed import MixedBackend
from hotplate.execute.workers import arena, cell, idleness, pool, worker
from hotplate.execute.workers.cell import IsolatedCell
from hotplate.execute.workers.crash import causes
from hotplate.execute.workers.python import pool as python_pool
from hotplate.execute.workers.worker import Worker
from tests.integration.isolated_cells import CELLS, lives, pool_of
from tests.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are workers on Linux alone")
LONG = 60  # seconds


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Has so many threads work at the same time, and waits for them."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---- time-outs and requests to stop ----


def test_a_cell_that_never_looks_is_killed_at_its_time_out(nb: hotplate.Notebook) -> None:
    notebook = hotplate.Notebook(nb.path, text=CELLS.replace("isolate=yes", "isolate=yes timeout=0.1"))
    with pytest.raises(CellTimedOut, match="did not stop when it was asked to"):
        notebook.run("loops", n=1)
    assert notebook.run("process")["process"] > 0


@pytest.mark.parametrize("call", ["load", "run", "process", "python"])
def test_a_kill_handle_ends_what_runs_in_workers(own: hotplate.Notebook, call: str) -> None:
    @own.cell
    def sleeps(n: int) -> int:
        time.sleep(LONG * n)
        return n

    handle = own.kill_handle()
    handle.kill()  # nothing runs yet
    calls = {
        "load": lambda: own.load("loops")(1),
        "run": lambda: own.run("loops", n=1),
        "process": lambda: own.run("loops", n=1, executor="process"),
        "python": lambda: own.run("sleeps", n=1, executor="process"),
    }
    killer = threading.Timer(0.5, handle.kill)
    killer.start()
    with pytest.raises(RunCancelled):
        calls[call]()
    killer.join()
    assert own.load("negative")(np.ones(1))[0] == -1.0


def test_a_kill_handle_keeps_nothing_alive(nb: hotplate.Notebook) -> None:
    notebook = hotplate.Notebook(nb.path, text=CELLS)
    handle, gone = notebook.kill_handle(), weakref.ref(notebook)
    del notebook
    gc.collect()
    assert gone() is None
    handle.kill()


def test_a_cell_that_crashes_when_it_is_asked_to_stop_has_timed_out(own: hotplate.Notebook) -> None:
    crashes = own.load("crashes_when_asked")
    assert isinstance(crashes, IsolatedCell)
    outcome = crashes.attempt((), {}, timeout=0.05, grace=30)
    assert outcome.kind is OutcomeKind.TIMED_OUT
    assert isinstance(outcome.error, CellTimedOut)
    assert "asked to stop, it crashed: abort() was called" in str(outcome.error)


def test_an_abort_kills_a_cell_that_never_looks(nb: hotplate.Notebook) -> None:
    abort = AbortHandle()
    threading.Timer(0.1, abort.abort, ["enough"]).start()
    with pytest.raises(RunCancelled, match="enough"):
        nb.run("loops", n=1, abort=abort)


LOOPS = """
import os, signal, threading, time
import hotplate
nb = hotplate.Notebook("loops.c", text='''
#include <stdint.h>
// %% A isolate=yes
int64_t loops(int64_t n) { for (volatile int64_t i = n;; i = i + 1) continue; return n; }
int64_t one(int64_t n) { return n + 1; }
''')
cell, one = nb.load("loops"), nb.load("one")
assert one(1) == 2
def interrupt():
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(one(2), nb.run("one", n=5)["one"], flush=True)
"""


@pytest.mark.parametrize("call", ["cell(1)", "nb.run('loops', n=1)", "nb.run('loops', n=1, executor='process')"])
def test_ctrl_c_ends_the_cell_and_not_the_session(start: Callable[..., subprocess.Popen[str]], call: str) -> None:
    process = start(code=LOOPS.replace("CALL", call))
    out, err = process.communicate(timeout=60)
    assert (out.split(), process.returncode) == (["interrupted", "3", "6"], 0), err


# ---- how many workers there are ----


def test_independent_cells_run_in_workers_of_their_own(tmp_path: Path) -> None:
    cells = "".join(f"int64_t p{i}(int64_t n) {{ usleep(20000); return getpid() + 0 * n; }}\n" for i in range(8))
    notebook = hotplate.Notebook(tmp_path / "fan.c", text=f"#include <stdint.h>\n#include <unistd.h>\n{cells}")
    processes = set(notebook.run(n=1, executor="process", jobs=2).values())
    assert len(processes) >= 2
    assert os.getpid() not in processes


def test_threads_share_one_loaded_cell(nb: hotplate.Notebook) -> None:
    negative = nb.load("negative")
    right: list[bool] = []

    def work(number: int) -> None:
        for i in range(50):
            value = number * 1000.0 + i
            right.append(bool((negative(np.full(1000, value)) == -value).all()))

    in_threads(8, work)
    assert right == [True] * 400


def test_no_more_calls_are_made_at_once_than_a_pool_allows(own: hotplate.Notebook) -> None:
    taken, together, most = pool_of(own), 0, 0
    taken._size = 2
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal together, most
        for _ in range(20):
            with taken.worker():
                with lock:
                    together += 1
                    most = max(most, together)
                time.sleep(0.001)
                with lock:
                    together -= 1

    in_threads(4, work)
    assert most == 2


def test_a_wait_for_a_worker_that_is_interrupted_holds_nobody_up(own: hotplate.Notebook) -> None:
    taken = pool_of(own)
    taken._size = 1
    interrupted: list[bool] = []

    def wait(_: int = 0) -> None:
        try:
            taken._take(0)
        except KeyboardInterrupt:
            interrupted.append(True)

    with taken.worker():
        thread = threading.Thread(target=wait)
        thread.start()
        assert eventually(lambda: len(taken._waiting) == 1)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
        )
        with taken._lock:
            taken._changed.notify_all()
        thread.join()
    assert interrupted == [True]
    assert own.load("process")() > 0


def test_a_worker_that_was_taken_and_never_given_back_is_not_missed(own: hotplate.Notebook) -> None:
    taken = pool_of(own)
    taken._size = 1
    lost = taken._take(0).process  # as when Ctrl-C comes between this and what is done with it
    assert own.load("process")() != lost
    assert eventually(lambda: not lives(lost))


def test_a_worker_is_replaced_after_so_many_calls(own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "MOST_CALLS", 3)
    process = own.load("process")
    assert max(Counter(process() for _ in range(12)).values()) == 3
    assert eventually(lambda: len(pool_of(own).workers) <= 2)


def test_libraries_of_earlier_versions_do_not_pile_up_in_a_worker(tmp_path: Path) -> None:
    path = tmp_path / "edited.c"
    processes, text = set(), "// %% Apart isolate\nint version(void) { return 0; }\n"
    path.write_text(text)
    notebook = hotplate.open(path)
    for number in range(pool.MOST_OUTDATED + 4):
        path.write_text(text.replace("0", str(number)))
        assert notebook.run()["version"] == number
        processes |= set(notebook._reloader._isolation.pool.workers)
    assert len(processes) > 2, "the worker and its spare"


LOUD = """
#include <stdio.h>
// %% Apart isolate
int quiet(void) { return 1; }
// %% Loud isolate
static __attribute__((constructor)) void begin(void) { puts("loaded"); }
int loud(int again) { if (again) begin(); return 2; }
"""


def test_a_spare_has_opened_what_opens_in_silence(tmp_path: Path) -> None:
    notebook = hotplate.Notebook(tmp_path / "loud.c", text=LOUD)
    quiet, loud = (notebook.load(name)._library.number for name in ("quiet", "loud"))  # type: ignore[attr-defined]
    taken = notebook._reloader._isolation.pool
    for process in taken.workers:
        os.kill(process, signal.SIGKILL)
    assert notebook.load("loud")(0) == 2  # finds them dead, and a spare is started
    assert eventually(lambda: len(taken._idle) == 2)
    assert quiet in taken._idle[0].libraries
    assert loud not in taken._idle[0].libraries


def test_workers_that_nobody_needs_end(own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idleness, "IDLE", 0.05)
    taken = pool_of(own)
    taken._size = 4
    for _ in range(2):  # the second time no new spare reminds of it
        together = threading.Barrier(4)

        def work(_: int, together: threading.Barrier = together) -> None:
            with taken.worker():
                together.wait()

        in_threads(4, work)
        assert eventually(lambda: len(taken.workers) == 1)


def test_python_workers_that_nobody_needs_end(own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idleness, "IDLE", 0.3)
    own.cell(os.getpid, name="python")
    first = own.run("python", executor="process")["python"]
    assert eventually(lambda: not lives(first))
    assert own.run("python", executor="process", fresh=True)["python"] not in (first, os.getpid())


def test_a_python_worker_is_replaced_after_so_many_calls(
    own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_pool, "MOST_CALLS", 2)
    own.cell(os.getpid, name="python")
    processes = Counter(own.run("python", executor="process", fresh=True)["python"] for _ in range(4))
    assert sorted(processes.values()) == [2, 2]


def test_a_worker_that_the_system_ended_for_memory_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter((1, 1))
    text = "#include <signal.h>\n// %% Apart isolate\nint killed(int n) { raise(SIGKILL); return n; }\n"
    killed = hotplate.Notebook(tmp_path / "killed.c", text=text).load("killed")
    monkeypatch.setattr(causes, "oom_kills", lambda: next(kills))
    with pytest.raises(CellCrashed, match="because memory ran out"):
        killed(1)
    with pytest.raises(CellCrashed, match="by the cell itself, or by someone outside"):
        killed(1)


def test_a_worker_that_died_between_calls_costs_none(own: hotplate.Notebook) -> None:
    process = own.load("process")
    for _ in range(5):
        os.kill(process(), signal.SIGKILL)
    assert process() > 0


def test_a_call_does_without_threads_that_cannot_be_started(
    own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    process = own.load("process")
    assert eventually(lambda: len(pool_of(own).workers) == 2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        patch.setattr(pool, "MOST_CALLS", 1)  # a worker leaves, and a spare comes
        first, second = process(), process()
    assert lives(process())
    assert not lives(first)
    assert not lives(second)


def test_a_backend_that_is_restarted_keeps_its_workers(own: hotplate.Notebook) -> None:
    before = own.run("process", fresh=True)["process"]
    own._backend.restart()
    assert not lives(before)
    process = own.load("process")
    after = process()
    assert (own.run("process", fresh=True)["process"], process()) == (after, after)


# ---- shared memory ----


@pytest.mark.parametrize("policy", [Policy(), Policy.strict()], ids=["free", "strict"])
def test_a_worker_outlives_the_thread_that_started_it(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "counts.c"
    path.write_text("// %% Count  impure\nint calls(void) { static int count; return ++count; }\n", "utf-8")
    nb = hotplate.open(path, policy=policy)
    seen: list[int] = []
    for _ in range(3):
        in_threads(1, lambda _: seen.append(nb.run()["calls"]))
        time.sleep(0.1)  # a child of a thread that ended is killed at once, and goes by and by
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("policy", [Policy(), Policy.strict()], ids=["free", "strict"])
def test_a_signal_of_the_system_is_told_behind_any_wall(policy: Policy, tmp_path: Path) -> None:
    path = tmp_path / "limit.c"
    path.write_text("#include <signal.h>\nint limit(void) { return raise(SIGXCPU); }\n", "utf-8")
    with pytest.raises(CellCrashed, match="it used more CPU time than it may") as raised:
        hotplate.open(path, policy=policy).run()
    assert raised.value.report.signal == "SIGXCPU"


def test_the_limit_of_shared_memory_is_told(own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    negative = own.load("negative")
    gc.collect()
    limit = arena.usage().used + (16 << 20)
    monkeypatch.setenv(arena.VARIABLE, str(limit))
    arena.usage()
    try:
        with pytest.raises(CellFailed, match=arena.VARIABLE):
            negative(np.zeros(4 << 20))
        assert negative(np.zeros(1000)).shape == (1000,)
    finally:
        monkeypatch.delenv(arena.VARIABLE)
        arena.usage()


def test_a_senseless_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(arena.VARIABLE, "much")
    with pytest.raises(SettingError, match=arena.VARIABLE):
        arena.usage()


# ---- one backend for all threads of a run ----


def test_threads_that_ask_for_the_first_isolated_cell_at_once_share_a_backend() -> None:
    made: list[object] = []

    class Slow:
        def __init__(self) -> None:
            made.append(self)
            time.sleep(0.05)

        def execute(self, _: object) -> object:
            return self

    backend = MixedBackend(Slow)  # type: ignore[arg-type]  # as much of a backend as is asked for
    request = Request("cell", "c", lambda: None, {}, AbortHandle(), isolate=True)
    in_threads(4, lambda _: backend.execute(request))
    assert len(made) == 1


def test_a_worker_that_does_not_start_takes_no_place(own: hotplate.Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, process = pool_of(own), own.load("process")
    taken._size = 1
    assert eventually(lambda: not taken._spares)  # none is being started
    for number in taken.workers:
        os.kill(number, signal.SIGKILL)

    def refuse() -> None:
        raise OSError("there are too many processes")

    with monkeypatch.context() as patch:
        patch.setattr(taken, "_start", refuse)
        for _ in range(2):
            with pytest.raises(LoadError, match="too many processes"):
                process()
    assert process() > 0


def test_a_worker_that_does_not_start_can_load_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "first.c"
    path.write_text("// %% A  isolate\nint first(void) { return 1; }\n", "utf-8")
    notebook = hotplate.open(path)

    def refuse(*_: object) -> None:
        raise OSError("there are too many processes")

    monkeypatch.setattr(Worker, "_start", refuse)
    with pytest.raises(LoadError, match=r"no worker to load first.*too many processes"):
        notebook.run()


def test_however_many_workers_died_between_calls_a_cell_is_not_blamed(own: hotplate.Notebook) -> None:
    taken, process = pool_of(own), own.load("process")
    taken._size = count = 2 * worker.FALSE_STARTS
    together = threading.Barrier(count)

    def work(_: int) -> None:
        with taken.worker():
            together.wait()

    in_threads(count, work)
    for number in taken.workers:
        os.kill(number, signal.SIGKILL)
    assert eventually(lambda: all(idle.is_gone for idle in taken._idle))
    assert process() > 0


# ---- what belongs to a call ----


def test_what_is_printed_between_calls_is_no_cells_output(tmp_path: Path) -> None:
    notebook = hotplate.Notebook(tmp_path / "late.c", text=LATE)
    starts, prints = notebook.load("starts"), notebook.load("prints")
    assert isinstance(starts, IsolatedCell)
    assert isinstance(prints, IsolatedCell)
    starts(0)
    assert eventually(lambda: any(idle._output._kept for idle in pool_of(notebook)._idle))
    assert prints.attempt((1,), {}).stdout.text == "own\n"
    pool_of(notebook).close()


LATE = """
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

// %% A isolate=yes

static void *late(void *nothing) { usleep(20000); write(1, "late\\n", 5); return nothing; }
int64_t starts(int64_t n) {
    pthread_t thread;
    return n + pthread_create(&thread, 0, late, 0);
}
int64_t prints(int64_t n) { return write(1, "own\\n", 4) + n; }
int64_t process(void) { return getpid(); }
"""


# ---- Ctrl-C at any time ----


def test_ctrl_c_at_any_line_leaves_nothing_behind(own: hotplate.Notebook) -> None:
    negative, x = own.load("negative"), np.full(100, 1.0)
    assert isinstance(negative, IsolatedCell)
    abort = AbortHandle()
    files, line, struck = {pool.__file__, worker.__file__, cell.__file__}, 0, True
    entered: set[tuple[str, int]] = set()

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal line, struck
        if frame.f_code.co_filename not in files:
            return None
        place = frame.f_code.co_filename, frame.f_lineno
        # Where a `with` block ends, there is a line for who traces, but no look at signals: a lock would stay taken.
        if event == "line" and not (place in entered and linecache.getline(*place).lstrip().startswith("with ")):
            entered.add(place)
            line -= 1
            if line == 0:
                struck = True
                raise KeyboardInterrupt
        return trace

    at = 0
    while struck:
        at, struck = at + 1, False
        line = at
        entered.clear()
        sys.settrace(trace)
        try:
            negative.attempt((x,), {}, abort=abort)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert lib.hp_remote_entered() == ffi.NULL, at
        assert not abort._children, at
        assert (negative(x) == -x).all()
    assert at > 20
    assert len(pool_of(own)._busy) == 0
    assert not pool_of(own)._lock._is_owned()  # type: ignore[attr-defined]  # as Condition asks
