"""Isolated cells on Windows: workers in a job, calls through shared memory; every way to die costs the call alone."""

from __future__ import annotations

import ctypes
import threading
import time
from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellCrashed, CellRejected, CellTimedOut, SettingError
from hotplate.execute.workers import arena
from tests.windows.consoles import start

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

CELLS = """
    #include <hotplate.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    // %% Graph
    int64_t n(void) { return 1000; }
    void ramp(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i / 3; }
    double total(int64_t n, const double ramp[n]) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += ramp[i];
        return sum;
    }
    void evens(hp_out *out, int64_t n) {
        int64_t *even = HP_ARRAY(out, int64_t, n / 2);
        for (int64_t i = 0; i < n / 2; i++) even[i] = 2 * i;
    }
    const char *named(int64_t n) { return n > 10 ? "größe" : "few"; }

    // %% Ways
    int64_t die(const char *how, int64_t depth) {
        volatile char block[4096];
        block[0] = (char)depth;
        if (strcmp(how, "read") == 0) return *(volatile int64_t *)(uintptr_t)(depth + 8);
        if (strcmp(how, "write") == 0) *(volatile int64_t *)(uintptr_t)(depth + 0x123456789000) = 1;
        if (strcmp(how, "divide") == 0) return 1 / depth;
        if (strcmp(how, "abort") == 0) abort();
        if (strcmp(how, "exit") == 0) exit(7);
        if (strcmp(how, "overflow") == 0) return die(how, depth + 1) + block[0];
        if (strcmp(how, "loop") == 0) for (volatile int64_t i = 0;; i++) {}
        return depth + 42;
    }
    int64_t say(int64_t times) {
        for (int64_t i = 0; i < times; i++) printf("line %d of stdout\\n", (int)i);
        fprintf(stderr, "on stderr\\n");
        return times;
    }
    int64_t say_and_die(const char *last) { printf("%s\\n", last); return *(volatile int64_t *)0; }
    void overwrite(int64_t n, const double ramp[n], double out[n]) { ((double *)ramp)[0] = 1; out[0] = 2; }
    intptr_t _spawnl(int mode, const char *program, const char *name, ...);
    void *GetModuleHandleA(const char *name);
    void *GetProcAddress(void *module, const char *name);
    int64_t leave(const char *program, const char *file) {
        unsigned long (*number_of)(intptr_t) = GetProcAddress(GetModuleHandleA("kernel32"), "GetProcessId");
        return number_of(_spawnl(1, program, "hold", "scan", file, "600000", NULL));
    }
    int64_t count(hp_ctx *ctx) { int64_t *n = hp_state(ctx, sizeof *n, 1); return n ? ++*n : -1; }
"""


LIMITED = """
    #include <hotplate.h>
    #include <stdint.h>
    #include <stdio.h>

    // %% Slow  timeout="0.2"
    int64_t deaf(void) { printf("begun\\n"); for (volatile int64_t i = 0;; i++) {} return 0; }
    int64_t polite(hp_ctx *ctx) { while (!hp_check(ctx)) {} return 1; }
    int64_t well(void) { return 42; }
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[..., hotplate.Notebook]]:
    """Opens notebooks whose workers, and the threads that read from them, are gone when the tests are over."""
    notebooks = []

    def open_notebook(path: Path, text: str = "", **options: object) -> hotplate.Notebook:
        if text:
            path.write_text(dedent(text), "utf-8")
        notebooks.append(hotplate.open(path, **options))
        return notebooks[-1]

    yield open_notebook
    for notebook in notebooks:
        if notebook._reloader._isolation._pool is not None:
            notebook._reloader._isolation._pool.close()
    for thread in threading.enumerate():
        if thread.name.startswith(("hotplate-output", "hotplate-spare")):
            thread.join()


@pytest.fixture(scope="module")
def notebook(opened: Callable[..., hotplate.Notebook], tmp_path_factory: pytest.TempPathFactory) -> hotplate.Notebook:
    return opened(tmp_path_factory.mktemp("größe") / "cells.c", CELLS)


def run(notebook: hotplate.Notebook, *cells: str, **inputs: object) -> hotplate.Run:
    return notebook.run(*cells, executor="process", fresh=True, **inputs)


def lives(process: int) -> bool:
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(0x00100000, False, process)  # SYNCHRONIZE
    if not handle:
        return False
    ended = kernel.WaitForSingleObject(handle, 0) == 0
    kernel.CloseHandle(handle)
    return not ended


# ---- values ----


def test_isolated_cells_give_the_same_bytes(notebook: hotplate.Notebook) -> None:
    cells = "ramp", "total", "evens", "named"
    here, there = notebook.run(*cells, fresh=True), run(notebook, *cells)
    for cell in cells:
        assert np.asarray(here[cell]).tobytes() == np.asarray(there[cell]).tobytes()


def test_a_large_result_comes_without_memory_having_been_set_aside_for_it(notebook: hotplate.Notebook) -> None:
    got = run(notebook, "evens", n=1 << 24)["evens"]
    assert (got[0], got[-1], len(got)) == (0, (1 << 24) - 2, 1 << 23)


def test_memory_is_used_again_and_counted(notebook: hotplate.Notebook) -> None:
    run(notebook, "ramp", n=1 << 20)
    before = arena.usage()
    for _ in range(5):
        run(notebook, "ramp", n=1 << 20)
    after = arena.usage()
    assert 0 < after.used + after.free <= before.used + before.free + (20 << 20)
    assert after.arenas == before.arenas


def test_memory_that_was_given_back_can_be_used_again(notebook: hotplate.Notebook) -> None:
    wanted = run(notebook, "ramp", n=1 << 20)["ramp"].copy()
    notebook.run("ramp", n=1, fresh=True)
    arena.trim()
    np.testing.assert_array_equal(run(notebook, "ramp", n=1 << 20)["ramp"], wanted)


def test_state_survives_calls_in_workers(notebook: hotplate.Notebook) -> None:
    assert [run(notebook, "count")["count"] for _ in range(3)] == [1, 2, 3]


# ---- every way to die ----


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("read", r"read at address 0x8: an element or a field of a null pointer \(access violation\)"),
        ("write", r"write at address 0x123456789000: .*\(access violation\)"),
        ("divide", r"integer division by zero"),
        ("abort", r"abort\(\) was called \(abort\)"),
        ("exit", r"exit\(7\)"),
        ("overflow", r"the recursion is too deep.*\(stack overflow"),
    ],
)
def test_a_death_costs_the_call_alone(notebook: hotplate.Notebook, how: str, said: str) -> None:
    with pytest.raises(CellCrashed, match=said):
        run(notebook, "die", how=how, depth=0)
    assert run(notebook, "die", how="no", depth=0)["die"] == 42


def test_an_input_can_only_be_read(notebook: hotplate.Notebook) -> None:
    with pytest.raises(CellCrashed, match=r"it may only be read: an input"):
        run(notebook, "overwrite", n=4, ramp=np.zeros(4))


def test_an_endless_loop_ends_with_its_worker(opened: Callable[..., hotplate.Notebook], tmp_path: Path) -> None:
    limited = opened(tmp_path / "limited.c", LIMITED)
    with pytest.raises(CellTimedOut, match="it did not stop when it was asked to") as raised:
        run(limited, "deaf")
    assert raised.value.run.cells["deaf"].outcome.stdout.text == "begun\n"
    with pytest.raises(CellTimedOut) as raised:
        run(limited, "polite")
    assert "did not stop" not in str(raised.value)
    assert run(limited, "well")["well"] == 42


# ---- output ----


def test_what_is_printed_is_kept_apart(notebook: hotplate.Notebook) -> None:
    outcome = run(notebook, "say", times=3).cells["say"].outcome
    assert outcome.stdout.text == "line 0 of stdout\nline 1 of stdout\nline 2 of stdout\n"
    assert outcome.stderr.text == "on stderr\n"


def test_more_than_a_pipe_holds_is_read_while_it_is_written(notebook: hotplate.Notebook) -> None:
    outcome = run(notebook, "say", times=8000).cells["say"].outcome
    assert outcome.stdout.text.startswith("line 0 of stdout\n")
    assert outcome.stdout.text.endswith("line 7999 of stdout\n")


def test_the_last_words_are_in_the_report(notebook: hotplate.Notebook) -> None:
    with pytest.raises(CellCrashed, match="last output:\n    these"):
        run(notebook, "say_and_die", last="these")


# ---- ends ----

CONTROLLER = """
    import ctypes, sys, threading, hotplate
    from hotplate.errors import RunCancelled
    notebook = hotplate.open(sys.argv[1])
    notebook.run("well", executor="process")
    print(*notebook._reloader._isolation.pool.workers, flush=True)
    {then}
"""
ENDLESS = """
int endless(void) { for (;;) {} }
// %% Apart  isolate
int apart(void) { for (;;) {} }
"""
FOREVER = 'notebook.run("deaf", executor="process")'
INTERRUPTED = """
    press = threading.Timer(0.5, ctypes.windll.kernel32.GenerateConsoleCtrlEvent, (0, 0))
    try:
        notebook.run({call}, on_event=lambda event: press.start() if event.kind == "cell_started" else None)
    except (KeyboardInterrupt, RunCancelled):
        print("interrupted")
"""


def start_controller(path: Path, then: str) -> subprocess.Popen[str]:
    """A session with cells that do not end, which then does that."""
    path.write_text(dedent(LIMITED).replace('timeout="0.2"', "") + ENDLESS)
    return start(dedent(CONTROLLER).format(then=dedent(then)), str(path))


def test_no_worker_outlives_a_controller_that_is_killed(tmp_path: Path) -> None:
    with start_controller(tmp_path / "limited.c", FOREVER) as controller:
        assert controller.stdout
        workers = [int(word) for word in controller.stdout.readline().split()]
        assert workers
        assert all(map(lives, workers))
        controller.kill()
        controller.wait()
        controller.stdout.read()  # whose end is that of the last process that could write to it
    assert not any(map(lives, workers))


def test_processes_that_a_cell_starts_end_with_its_worker_at_the_latest(
    opened: Callable[..., hotplate.Notebook], tools: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    notebook = opened(tmp_path / "cells.c", CELLS)
    child = run(notebook, "leave", program=str(tools / "hold.exe"), file=str(tmp_path / "file"))["leave"]
    assert child
    notebook._reloader._isolation.pool.close()
    deadline = time.monotonic() + 20
    while lives(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not lives(child)


@pytest.mark.parametrize("call", ['"endless", executor="process"', '"apart"'])
def test_ctrl_c_ends_a_cell_that_never_polls(tmp_path: Path, call: str) -> None:
    with start_controller(tmp_path / "limited.c", INTERRUPTED.format(call=call)) as controller:
        output, _ = controller.communicate(timeout=60)
    assert output.splitlines()[-1] == "interrupted"
    assert controller.returncode == 0


# ---- what there is not ----


def test_a_sandbox_is_refused_in_plain_words(opened: Callable[..., hotplate.Notebook], tmp_path: Path) -> None:
    strict = opened(tmp_path / "cells.c", CELLS, policy=hotplate.Policy.strict())
    with pytest.raises(SettingError, match="can't be sandboxed on Windows"):
        run(strict, "n")


def test_python_cells_are_refused_in_plain_words(opened: Callable[..., hotplate.Notebook], tmp_path: Path) -> None:
    mixed = opened(tmp_path / "cells.c", "int one(void) { return 1; }")

    @mixed.cell
    def two(one: int) -> int:
        return one + 1

    with pytest.raises(CellRejected, match="Python cells can't be isolated on win32"):
        run(mixed, "two")
