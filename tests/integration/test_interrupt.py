"""Ctrl-C at every kind of moment, in real processes: what ends, what goes on, and what the user is told."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Start = Callable[..., subprocess.Popen[str]]

SOON = 5.0  # seconds; every cell here would run for a minute
CELLS = """\
#include <hotplate.h>
#include <stdio.h>
#include <time.h>
// Says on stderr that it runs, so that the test knows when to interrupt.
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void begun(void) { fputs("begun\\n", stderr); fflush(stderr); }
int first(void) { return 41; }
static void spend(double seconds) {
    begun();
    for (double end = now() + seconds; now() < end;) {}
}
int polling(hp_ctx *ctx, int first) {
    begun();
    for (double end = now() + 60; now() < end;) if (hp_check(ctx)) return 0;
    return first;
}
int deaf(int first, double seconds) { spend(seconds); return first; }
int slow(hp_ctx *ctx, int first) { spend(1.2); return hp_check(ctx) + first; }
// %% Limited timeout=3600
int limited(hp_ctx *ctx, int first) {
    begun();
    for (double end = now() + 60; now() < end;) if (hp_check(ctx)) return 0;
    return first;
}
int limited_deaf(int first, double seconds) { spend(seconds); return first; }
// %% Short timeout=0.05 grace=0
int stays(int first) { spend(60); return first; }
"""
OPEN = """
import os, signal, sys, threading, time
import hotplate
nb = hotplate.open(sys.argv[1])
def say(*words): print(*words, flush=True)
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook of this file, its cells built once."""
    import hotplate

    path = tmp_path_factory.mktemp("interrupt") / "cells.c"
    path.write_text(CELLS)
    assert hotplate.open(path).check() == ()
    return path


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """What the process says on stderr up to a line that has the wanted words."""
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if wanted in line:
            return said
    pytest.fail(f"the process ended without saying {wanted!r}; it said {said!r}")


def interrupt(process: subprocess.Popen[str]) -> float:
    process.send_signal(signal.SIGINT)
    return time.monotonic()


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=SOON)
    assert "Traceback" not in err
    return out, err


# The command line


@pytest.mark.parametrize("cell", ["polling", "limited"])
@pytest.mark.parametrize("executor", ["linear", "parallel"])
def test_a_cell_that_polls_ends_at_once(
    start: Start, cells: Path, executor: str, cell: str, record_property: Callable[..., None]
) -> None:
    process = start("run", "--no-record", cells, cell, "--executor", executor)
    read_until(process, "begun")
    began = interrupt(process)
    _, err = end(process)
    record_property("seconds", time.monotonic() - began)
    assert (process.returncode, err) == (130, "hotplate: interrupted\n")


def test_a_cell_that_does_not_poll_is_told_of_while_it_runs_and_a_second_interrupt_ends_all(
    start: Start, cells: Path
) -> None:
    process = start("run", "--no-record", cells, "deaf", "--set", "seconds=60")
    read_until(process, "begun")
    interrupt(process)
    said = read_until(process, "press Ctrl-C again")
    assert "deaf can't be stopped: it runs in this process and never calls hp_check" in said
    assert "mark it `isolate`, or poll hp_check in its loop" in said
    assert process.poll() is None
    interrupt(process)
    end(process)
    assert process.returncode == 130


def test_a_cell_that_polls_too_seldom_is_told_of(start: Start, cells: Path) -> None:
    process = start("run", "--no-record", cells, "slow")
    read_until(process, "begun")
    interrupt(process)
    read_until(process, "slow was asked to stop and has not answered yet: it polls hp_check too seldom")
    assert process.poll() is None
    end(process)
    assert process.returncode == 130


def test_a_cell_that_does_not_poll_ends_the_run_when_it_returns(start: Start, cells: Path) -> None:
    process = start("run", "--no-record", cells, "deaf", "--set", "seconds=0.5")
    read_until(process, "begun")
    interrupt(process)
    _, err = end(process)
    assert process.returncode == 130
    assert err.endswith("hotplate: interrupted\n")


@pytest.mark.parametrize(("cell", "executor"), [("deaf", "parallel"), ("limited_deaf", "linear")])
def test_parallel_cells_and_limited_ones_that_do_not_poll_are_left_behind(
    start: Start, cells: Path, cell: str, executor: str
) -> None:
    process = start("run", "--no-record", cells, cell, "--set", "seconds=60", "--executor", executor)
    read_until(process, "begun")
    interrupt(process)
    assert end(process)[1] == "hotplate: interrupted\n"
    assert process.returncode == 130


@pytest.mark.parametrize("executor", ["linear", "parallel"])
def test_the_process_ends_past_a_cell_that_was_left_behind_at_its_timeout(
    start: Start, cells: Path, executor: str
) -> None:
    process = start("run", "--no-record", cells, "stays", "--executor", executor)
    out, err = end(process)
    assert process.returncode == 1
    assert "Mark it `isolate`: then it is killed" in out + err


def test_an_interrupt_that_is_ignored_stays_ignored(start: Start, cells: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"  # as behind nohup
    process = start("run", "--no-record", cells, "slow", code=f"{ignoring}; from hotplate.__main__ import main; main()")
    read_until(process, "begun")
    interrupt(process)
    assert "slow" in process.communicate(timeout=60)[0]
    assert process.returncode == 0


@pytest.fixture
def endless_compiler(tmp_path: Path) -> tuple[str, Path]:
    """gcc, which never ends when it compiles a cell; a file gets its process number and that of its child."""
    log, script = tmp_path / "pids", tmp_path / "gcc"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *depfile*) sleep 600 & echo $$ $! > {log}.new; mv {log}.new {log}; wait;; esac\n'
        f'exec {shutil.which("gcc")} "$@"\n'
    )
    script.chmod(0o755)
    return str(script), log


@pytest.mark.parametrize("count", [1, 3])
def test_an_interrupt_during_a_compile_leaves_no_compiler_and_no_files(
    start: Start, tmp_path: Path, endless_compiler: tuple[str, Path], count: int
) -> None:
    compiler, log = endless_compiler
    path = tmp_path / "n.c"
    path.write_text("\n".join(f"int c{i}(void) {{ return {i}; }}" for i in range(count)))
    cache = tmp_path / "cache"
    process = start(
        "run", "--no-record", path, "--jobs", 2, "--compiler", compiler, env={"HOTPLATE_CACHE_DIR": str(cache)}
    )
    assert eventually(log.exists)
    pids = [int(word) for word in log.read_text().split()]
    interrupt(process)
    assert end(process)[1] == "hotplate: interrupted\n"
    assert process.returncode == 130
    assert eventually(lambda: not any(alive(pid) for pid in pids))
    assert list((cache / "tmp").iterdir()) == []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Python sessions


def interrupted_session(start: Start, cells: Path, code: str, *, signals: int = 1) -> list[str]:
    """Runs a program that says `begun` on stderr before each interrupt; returns its output line by line."""
    process = start(cells, code=OPEN + code)
    for _ in range(signals):
        read_until(process, "begun")
        interrupt(process)
    out, _ = end(process)
    assert process.returncode == 0
    return out.splitlines()


def test_a_run_ends_with_keyboardinterrupt_and_keeps_what_was_computed(start: Start, cells: Path) -> None:
    code = """
try:
    nb.run("polling", "deaf", seconds=0.0)
except KeyboardInterrupt:
    say("interrupted", nb["first"], nb.last_run.ok, dict(nb.last_run))
say({name: cell.status for name, cell in nb.last_run.cells.items()})
say(nb.run("deaf", seconds=0.0).cells["first"].status)
"""
    assert interrupted_session(start, cells, code) == [
        "interrupted 41 False {'first': 41}",
        "{'first': 'ok', 'polling': 'cancelled', 'deaf': 'cancelled'}",
        "kept",
    ]


def test_a_limited_cell_that_does_not_poll_is_left_behind_and_the_session_goes_on(start: Start, cells: Path) -> None:
    code = """
try:
    nb.run("limited_deaf", seconds=60.0)
except KeyboardInterrupt:
    say("interrupted", dict(nb.last_run))
say(nb.run("limited_deaf", seconds=0.0)["limited_deaf"])
os._exit(0)
"""
    assert interrupted_session(start, cells, code) == ["interrupted {'first': 41}", "41"]


def test_a_direct_call_ends_with_keyboardinterrupt_and_can_be_made_again(start: Start, cells: Path) -> None:
    code = """
polling = nb.load("polling")
for _ in range(3):
    try:
        polling(1)
    except KeyboardInterrupt:
        say("interrupted")
say(nb.load("deaf")(7, 0.0))
"""
    assert interrupted_session(start, cells, code, signals=3) == ["interrupted"] * 3 + ["7"]


def test_a_direct_call_that_does_not_poll_is_told_of_while_it_runs(start: Start, cells: Path) -> None:
    code = """
try:
    nb.load("deaf")(1, 1.5)
except KeyboardInterrupt:
    say("interrupted")
"""
    process = start(cells, code=OPEN + code)
    read_until(process, "begun")
    interrupt(process)
    said = read_until(process, "deaf can't be stopped")
    assert "press Ctrl-C again" not in said, "only the command line ends at the second one"
    assert process.poll() is None
    assert end(process)[0] == "interrupted\n"


@pytest.mark.parametrize("executor", ["linear", "parallel"])
def test_a_handler_that_was_installed_after_the_import_is_called_and_the_cell_still_stops(
    start: Start, cells: Path, executor: str
) -> None:
    code = f"""
def handler(*_):
    say("handler")
    raise KeyboardInterrupt
nb.run("first")
signal.signal(signal.SIGINT, handler)
try:
    nb.run("polling", executor={executor!r})
except KeyboardInterrupt:
    say("interrupted")
"""
    assert interrupted_session(start, cells, code) == ["handler", "interrupted"]


@pytest.mark.parametrize("cell", ["polling", "limited"])
def test_a_handler_that_does_not_raise_still_cancels_the_cell(start: Start, cells: Path, cell: str) -> None:
    code = f"""
signal.signal(signal.SIGINT, lambda *_: say("handler"))
try:
    nb.run({cell!r})
except hotplate.errors.RunCancelled as error:
    say(type(error).__name__, dict(error.run))
"""
    assert interrupted_session(start, cells, code) == ["handler", "RunCancelled {'first': 41}"]


def test_a_run_on_another_thread_goes_on_when_the_main_thread_is_interrupted(start: Start, cells: Path) -> None:
    code = """
from hotplate.execute import AbortHandle
handle = AbortHandle()
def work():
    try:
        nb.run("polling", abort=handle)
    except hotplate.errors.RunCancelled:
        say("cancelled")
thread = threading.Thread(target=work)
try:
    thread.start()  # the cell may have begun before this returns
    while True: time.sleep(0.01)
except KeyboardInterrupt:
    say("main", thread.is_alive(), handle.aborted)
handle.abort()
thread.join()
"""
    assert interrupted_session(start, cells, code) == ["main True False", "cancelled"]


def test_an_interrupt_while_nothing_runs_does_not_reach_the_next_call(start: Start, cells: Path) -> None:
    code = """
deaf, polling = nb.load("deaf"), nb.load("polling")
for _ in range(20):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    assert deaf(7, 0.0) == 7
say(nb.run("deaf", seconds=0.0)["deaf"])
"""
    process = start(cells, code=OPEN + code)
    assert process.communicate(timeout=60)[0] == "41\n"
    assert process.returncode == 0


def test_an_interrupt_at_any_moment_of_a_direct_call_is_never_lost(start: Start, cells: Path) -> None:
    code = """
polling = nb.load("polling")
for i in range(40):
    timer = threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        begin = time.monotonic()
        while time.monotonic() < begin + 0.0015 + i * 2.5e-5: pass
        polling(1)
    except KeyboardInterrupt:
        timer.join()
say("all")
"""
    process = start(cells, code=OPEN + code)
    assert process.communicate(timeout=60)[0] == "all\n"


SLOW_HANDLER = """\
#include <signal.h>
#include <unistd.h>
static struct sigaction before;
static void dawdle(int number) {
    usleep(EARLIER);
    before.sa_handler(number);
    usleep(LATER);
}
int install(void) {
    struct sigaction ours = {.sa_handler = dawdle};
    return sigaction(SIGINT, &ours, &before);
}
"""


@pytest.mark.parametrize("cell", ["polling", "limited"])
@pytest.mark.parametrize(("earlier", "later"), [(200_000, 0), (0, 200_000)])
def test_an_interrupt_that_another_thread_receives_ends_one_run_and_no_other(
    start: Start, cells: Path, cell: str, earlier: int, later: int
) -> None:
    slow = cells.with_name("slow.c")
    slow.write_text(SLOW_HANDLER.replace("EARLIER", str(earlier)).replace("LATER", str(later)))
    code = f"""
install = hotplate.open({str(slow)!r}).load("install")
assert install() == 0
polling = nb.load("polling")  # from here on the core's handler is called before the slow one, and that before Python's
threading.Thread(target=time.sleep, args=[60], daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
try:
    nb.run({cell!r}) if {cell == "limited"} else polling(1)
except KeyboardInterrupt:
    say("interrupted")
say(nb.run("slow", fresh=True)["slow"])
"""
    assert interrupted_session(start, cells, code) == ["interrupted", "41"]


def test_an_interrupt_inside_a_finalizer_counts_and_nothing_is_said_of_the_finalizer(start: Start, cells: Path) -> None:
    code = """
from hotplate.cli.interrupts import interruptible
interruptible()
class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
try:
    Finalized()
    time.sleep(600)
except KeyboardInterrupt:
    say("interrupted")
"""
    assert start(cells, code=OPEN + code).communicate(timeout=60) == ("interrupted\n", "")


# The terminal


def run_in_terminal(start: Start, *arguments: object, interrupts: int = 0) -> tuple[int, bytes]:
    """Runs a command on a terminal of its own, with a Ctrl-C after each `begun` and after each explanation."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    process = start(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    seen, sent = b"", 0
    while chunk := read_chunk(master):
        seen += chunk
        if sent < interrupts and seen.count(b"begun") + seen.count(b"press Ctrl-C again") > sent and shown(seen):
            process.send_signal(signal.SIGINT)
            sent += 1
    os.close(master)
    return process.wait(timeout=SOON), seen


def shown(seen: bytes) -> bool:
    return b"\x1b[?25l" in seen


def read_chunk(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


def assert_clean(seen: bytes) -> None:
    assert shown(seen), "the live display was there"
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l"), "the cursor is visible again"


def test_the_live_display_leaves_the_terminal_as_it_was(start: Start, cells: Path) -> None:
    code, seen = run_in_terminal(start, "run", cells, "slow", "deaf", "--set", "seconds=0")
    assert code == 0
    assert_clean(seen)
    assert b"3 of 3 cells in" in seen


def test_the_live_display_is_taken_down_after_an_interrupt(start: Start, cells: Path) -> None:
    code, seen = run_in_terminal(start, "run", cells, "polling", interrupts=1)
    assert code == 130
    assert_clean(seen)
    assert seen.rstrip().endswith(b"hotplate: interrupted")


def test_the_cursor_is_back_when_a_second_interrupt_ends_the_process(start: Start, cells: Path) -> None:
    code, seen = run_in_terminal(start, "run", cells, "deaf", "--set", "seconds=60", interrupts=2)
    assert code == 130
    assert_clean(seen)


def test_without_a_terminal_nothing_is_drawn(start: Start, cells: Path) -> None:
    process = start("run", "--no-record", cells, "slow")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "\x1b" not in out + err
    assert err == "begun\n"
