"""Kills workers, and whole sessions, at random moments of a load, and looks whether anything is wrong or left behind.

    python -m benchmarks.kills [--seed N] [--kills 10000] [--sessions 300]

A worker gets SIGKILL, a request to stop, a time-out, or the kill of all that are at work. Each call must end, in one
way that explains itself, and what it says it has computed must be right. A session that runs such a load gets SIGKILL.
Afterwards there must be no process, descriptor, shared memory or temporary file that was not there before.

The seed decides what is done and about when; what coincides with what is up to the system.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hotplate
from hotplate.execute import AbortHandle, OutcomeKind
from hotplate.execute.workers import arena

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.execute.backend import Outcome
    from hotplate.execute.workers.pool import WorkerPool

CALLERS = 4
LONGEST = 30.0
"""Seconds without the end of any call after which the load hangs."""
CELLS = """
#include <hotplate.h>
#include <unistd.h>

// %% A isolate=yes
void doubled(int64_t n, const double x[n], double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = 2 * x[i];
}
void evens(int64_t n, const int64_t x[n], hp_out *out) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += x[i] % 2 == 0;
    int64_t *y = HP_ARRAY(out, int64_t, count);
    if (!y) return;
    for (int64_t i = 0; i < n; i++)
        if (x[i] % 2 == 0) *y++ = x[i];
}
int64_t counts(hp_ctx *ctx) {
    int64_t *count = hp_state(ctx, sizeof *count, 1);
    usleep(200);
    return *count += 1;
}
/* Looks whether it shall stop. */
int64_t waits(hp_ctx *ctx, int64_t microseconds) {
    for (int64_t waited = 0; waited < microseconds && !hp_check(ctx); waited += 100) usleep(100);
    return microseconds;
}
/* Doesn't, and leaves a child behind. */
int64_t clings(int64_t microseconds) {
    if (fork() == 0) for (;;) pause();
    usleep((useconds_t)microseconds);
    return microseconds;
}
"""


class Wrong(Exception):
    """Something that must not be."""


@dataclass
class Tally:
    """What has happened so far."""

    calls: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    latest: float = field(default_factory=time.monotonic)


class Load:
    """Threads that make calls, and a thread that spoils them."""

    def __init__(self, seed: int, notebook: hotplate.Notebook) -> None:
        self._seed = seed
        self._cells: dict[str, Any] = {name: notebook.load(name) for name in notebook.model.cells}
        self._pool: WorkerPool = self._cells["waits"]._pool
        self._running: dict[int, AbortHandle] = {}
        self._stop = threading.Event()
        self.tally = Tally()

    def run(self, kills: int) -> Tally:
        """Goes on until that many kills are done. Raises Wrong when calls no longer end."""
        callers = [threading.Thread(target=self._call_on, args=(number,), daemon=True) for number in range(CALLERS)]
        killer = threading.Thread(target=self._kill_on, args=(kills,), daemon=True)
        for thread in (*callers, killer):
            thread.start()
        while any(thread.is_alive() for thread in (*callers, killer)):
            time.sleep(0.05)
            if time.monotonic() - self.tally.latest > LONGEST:
                faulthandler.dump_traceback()
                raise Wrong(f"no call has ended for {LONGEST:g} s, after {self.tally.kills.total()} kills")
        return self.tally

    # ---- calls ----

    def _call_on(self, number: int) -> None:
        dice, counted, kept = random.Random(f"{self._seed} caller {number}"), 0, []
        while not self._stop.is_set():
            kind = dice.choice(("doubled", "evens", "waits", "clings", "counts" if number == 0 else "doubled"))
            timeout = dice.choice((None, None, dice.uniform(0.0, 0.003))) if kind != "counts" else None
            arguments, right = self._task(kind, dice, counted)
            outcome = self._attempt(number, kind, arguments, timeout)
            counted += kind == "counts" and outcome.ok
            self._judge(kind, outcome, timeout, right)
            if isinstance(outcome.value, np.ndarray):
                kept.append((outcome.value, right))
                for value, is_right in kept[: -dice.randrange(1, 4)]:
                    self._note(is_right(value), f"a kept result of {kind} has changed")
                del kept[:-3]

    def _task(self, kind: str, dice: random.Random, counted: int) -> tuple[tuple[Any, ...], Callable[[Any], bool]]:
        if kind == "counts":
            return (), lambda value: value == counted + 1
        if kind in ("waits", "clings"):
            microseconds = dice.randrange(3000)
            return (microseconds,), lambda value: value == microseconds
        size, start = dice.choice((1, 100, 20_000)), dice.randrange(1000)
        numbers = np.arange(start, start + size)
        if kind == "evens":
            return (numbers,), lambda value: np.array_equal(value, numbers[numbers % 2 == 0])
        return (numbers.astype(float),), lambda value: np.array_equal(value, 2.0 * numbers)

    def _attempt(self, number: int, kind: str, arguments: tuple[Any, ...], timeout: float | None) -> Outcome:
        abort = self._running[number] = AbortHandle()
        self.tally.calls += 1
        try:
            outcome: Outcome = self._cells[kind].attempt(arguments, {}, abort=abort, timeout=timeout, grace=0.002)
        except BaseException as error:
            self._note(False, f"{kind} raised {error!r}")
            raise
        self.tally.latest = time.monotonic()
        return outcome

    def _judge(self, kind: str, outcome: Outcome, timeout: float | None, right: Callable[[Any], bool]) -> None:
        self.tally.outcomes[str(outcome.kind)] += 1
        self._note(outcome.ok == (outcome.error is None), f"{kind} ended as {outcome.kind} with {outcome.error!r}")
        match outcome.kind:
            case OutcomeKind.OK:
                self._note(right(outcome.value), f"{kind} gave {outcome.value!r}")
            case OutcomeKind.TIMED_OUT:
                self._note(timeout is not None, f"{kind} timed out without a time-out")
                self.tally.kills["time-out"] += 1
            case OutcomeKind.CRASHED:
                self._note("SIGKILL" in str(outcome.error), f"{kind}: {outcome.error}")
            case OutcomeKind.CANCELLED:
                pass
            case _:
                self._note(False, f"{kind} ended as {outcome.kind}: {outcome.error}")

    def _note(self, is_right: bool, what: str) -> None:
        if not is_right:
            self.tally.wrong.append(what)

    # ---- kills ----

    def _kill_on(self, kills: int) -> None:
        dice = random.Random(f"{self._seed} killer")
        ways = {"SIGKILL": self._kill_one, "abort": self._abort_one, "kill all at work": self._kill_all}
        while self.tally.kills.total() < kills and not self.tally.wrong:
            time.sleep(dice.expovariate(1 / 0.002))
            (way,) = dice.choices(tuple(ways), (6, 3, 1))
            self.tally.kills[way] += ways[way](dice)
        self._stop.set()

    def _kill_one(self, dice: random.Random) -> bool:
        workers = self._pool.workers
        return bool(workers) and kill_child(dice.choice(workers))

    def _abort_one(self, dice: random.Random) -> bool:
        running = list(self._running.values())
        if running:
            dice.choice(running).abort("the dice said so")
        return bool(running)

    def _kill_all(self, _: random.Random) -> bool:
        self._pool.kill()
        return True


def kill_child(process: int) -> bool:
    """Kills a process if it is a child of this one, whoever may have its number by now."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return False
    try:
        is_child = any(stat[0] == process and stat[1] == os.getpid() for stat in processes())
        with suppress(ProcessLookupError):
            if is_child:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        return is_child
    finally:
        os.close(handle)


# ---- what is there ----


def processes() -> Iterator[tuple[int, int, int]]:
    """Number, parent and session of every process, dead ones that nobody has taken away among them."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
            yield int(folder.name), int(fields[1]), int(fields[3])


def traces(folder: Path) -> dict[str, int]:
    """What a load could leave behind, by kind; `folder` is for temporary files."""
    gc.collect()
    own = os.getpid()
    return {
        "processes": sum(parent == own for _, parent, _ in processes()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "files in /dev/shm": len(list(Path("/dev/shm").iterdir())),
        "temporary files": len(list(folder.iterdir())),
        "bytes of shared memory": arena.usage().used,
    }


def settled(measure: Callable[[], Any], wanted: Any) -> Any:
    """What is measured once it is what is wanted, or after 10 s."""
    end = time.monotonic() + 10
    while (found := measure()) != wanted and time.monotonic() < end:
        time.sleep(0.01)
    return found


# ---- both parts ----


def kill_workers(seed: int, kills: int, folder: Path) -> Tally:
    """Raises Wrong for what is not as it must be."""
    spoil(seed, 20)  # threads and descriptors that stay as long as the process are there from now on
    before = traces(folder)
    tally = spoil(seed, kills)
    if tally.wrong:
        raise Wrong("\n".join(tally.wrong[:10]))
    if tally.calls != tally.outcomes.total():
        raise Wrong(f"{tally.calls} calls have {tally.outcomes.total()} outcomes")
    after = settled(lambda: traces(folder), before)
    if left := {kind: count - before[kind] for kind, count in after.items() if count > before[kind]}:
        raise Wrong(f"left behind: {left}")
    return tally


def spoil(seed: int, kills: int) -> Tally:
    """A load on a notebook of its own, which is gone afterwards."""
    load = Load(seed, hotplate.Notebook("kills.c", text=CELLS))
    tally = load.run(kills)
    load._pool.close()
    return tally


def kill_sessions(seed: int, sessions: int, folder: Path) -> int:
    """Starts sessions with a load and kills them at random moments. Raises Wrong when something is left behind."""
    dice = random.Random(f"{seed} sessions")
    before = traces(folder)
    for number in range(sessions):
        kill_session(dice, [sys.executable, "-m", __spec__.name, "--load", str(dice.randrange(1 << 30))], number)
    if (after := settled(lambda: traces(folder), before)) != before:
        raise Wrong(f"left behind: there was {before}, and there is {after}")
    return sessions


def kill_session(dice: random.Random, command: list[str], number: int) -> None:
    """One of them; in one of ten cases it may be anywhere in its start."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as session:
        assert session.stdout is not None
        if dice.random() < 0.9 and not select.select([session.stdout], [], [], 60)[0]:
            session.kill()
            raise Wrong(f"session {number} does not begin")
        time.sleep(dice.uniform(0, 0.1))
        session.kill()
    if left := settled(lambda: [process for process, _, own in processes() if own == session.pid], []):
        raise Wrong(f"session {number} has left processes behind: {left}")


def main() -> None:
    parser = argparse.ArgumentParser(description="kills workers and sessions at random moments")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load is not None:
        load = Load(options.load, hotplate.Notebook("kills.c", text=CELLS))
        print("begins", flush=True)
        load.run(sys.maxsize)
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        begin = time.perf_counter()
        tally = kill_workers(options.seed, options.kills, Path(folder))
        seconds = time.perf_counter() - begin
        print(f"workers: {dict(tally.kills)}, {tally.calls} calls: {dict(tally.outcomes)}; {seconds:.0f} s", flush=True)
        begin = time.perf_counter()
        killed = kill_sessions(options.seed, options.sessions, Path(folder))
        print(f"sessions: {killed} killed, nothing left behind; {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
