"""The crash matrix: wherever code of a cell runs in a worker, and however it ends there, it costs that cell alone.

There is no column for the reading of a library's description: that is data, and nothing of the user's runs then.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellCrashed, CellError, CellTimedOut, LoadError
from hotplate.execute import OutcomeKind
from hotplate.execute.workers import pool, worker

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are workers on Linux alone")


@dataclass(frozen=True, slots=True)
class Ending:
    """One way to end: its number in the notebook, and what is said of a worker that it ends."""

    name: str
    number: int
    said: str = ""
    """"": the worker lives on."""
    hangs: bool = False

    def __str__(self) -> str:
        return self.name


ENDINGS = (
    Ending("exit", 1, "exit(7)"),
    Ending("_exit", 2, "exit(8)"),
    Ending("abort", 3, "SIGABRT"),
    Ending("segfault", 4, "SIGSEGV"),
    Ending("stack overflow", 5, "stack overflow"),
    Ending("endless loop", 6, hangs=True),
    Ending("child left behind", 7),
    Ending("child that goes on as if it were the worker", 8),
)
LANGUAGES = (".c", ".cpp")

COMMON = """
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t dive(volatile int64_t depth) {
    volatile char room[4096];
    room[0] = (char)depth;
    return dive(depth + 1) + room[0];
}

static void end(int64_t how) {
    switch (how) {
    case 1: exit(7);
    case 2: _exit(8);
    case 3: abort();
    case 4: *(volatile int *)16 = 1; break;
    case 5: dive(0); break;
    case 6: for (volatile int64_t i = 0;; i = i + 1) continue;
    case 7: if (fork() == 0) for (;;) pause(); break;
    case 8: if (fork() < 0) abort(); break;
    default: break;
    }
}

// %% Before isolate=yes
void before(double out[4]) {
    for (int i = 0; i < 4; i++) out[i] = i;
}

// %% Neighbour isolate=yes
int64_t neighbour(int64_t how) { return how + 100; }

// %% Run isolate=yes timeout=0.15
int64_t in_run(int64_t how) {
    end(how);
    return how;
}

// %% Publish isolate=yes timeout=0.15
static ssize_t at_flush(void *how, const char *text, size_t size) {
    (void)text;
    end((intptr_t)how);
    return (ssize_t)size;
}

/* What a stream of its own holds back is written after the cell has returned, while its results are handed over. */
int64_t in_publish(int64_t how) {
    cookie_io_functions_t functions = {NULL, at_flush, NULL, NULL};
    FILE *stream = fopencookie((void *)(intptr_t)how, "w", functions);
    setvbuf(stream, NULL, _IOFBF, BUFSIZ);
    fputs("held back", stream);
    return how;
}

// %% Destructor isolate=yes
"""
DESTRUCTOR = {
    ".c": """
static int64_t how_to_end;
__attribute__((destructor)) static void at_close(void) { end(how_to_end); }
int64_t in_destructor(int64_t how) {
    if (how < 0) at_close();
    how_to_end = how;
    return how;
}
""",
    ".cpp": """
struct Closing {
    int64_t how = 0;
    ~Closing() { end(how); }
};
static Closing closing;
int64_t in_destructor(int64_t how) {
    closing.how = how;
    return how;
}
""",
}
OPEN = {
    ".c": """
// %% Open %(number)d isolate=yes
__attribute__((constructor)) static void at_open_%(number)d(void) { end(%(number)d); }
int64_t in_open_%(number)d(int64_t how) {
    if (how < 0) at_open_%(number)d();
    return how;
}
""",
    ".cpp": """
// %% Open %(number)d isolate=yes
struct Opening%(number)d {
    int64_t how = %(number)d;
    Opening%(number)d() { end(how); }
};
static Opening%(number)d opening_%(number)d;
int64_t in_open_%(number)d(int64_t how) { return how + opening_%(number)d.how; }
""",
}


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, hotplate.Notebook]]:
    """One notebook for each language."""
    folder = tmp_path_factory.mktemp("matrix")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "ANSWER_TIME", 0.3)  # an endless constructor must not take 10 s here
        opened = {suffix: hotplate.Notebook(folder / f"cells{suffix}", text=_text(suffix)) for suffix in LANGUAGES}
        yield opened
    for notebook in opened.values():
        notebook.load("neighbour")._pool.close()  # type: ignore[attr-defined]  # an isolated cell has one


def _text(suffix: str) -> str:
    opening = "".join(OPEN[suffix] % {"number": ending.number} for ending in ENDINGS)
    return COMMON + DESTRUCTOR[suffix] + opening


@pytest.fixture(params=LANGUAGES, ids=("C", "C++"))
def nb(request: pytest.FixtureRequest, notebooks: dict[str, hotplate.Notebook]) -> Iterator[hotplate.Notebook]:
    """A notebook that still works afterwards, with its earlier results, and has left no process of a cell behind."""
    opened = notebooks[request.param]
    earlier = opened.run("before")["before"]
    yield opened
    assert opened.run("neighbour", how=1)["neighbour"] == 101
    np.testing.assert_array_equal(earlier, [0.0, 1.0, 2.0, 3.0])
    assert not left_behind()


def left_behind() -> list[str]:
    """Processes of workers' groups besides the workers: children of cells. They get a moment to end."""
    for _ in range(100):
        if not (found := [entry for entry in _groups() if entry]):
            return []
        time.sleep(0.01)
    return found


def _groups() -> Iterator[str]:
    own = str(os.getpid())
    processes = {stat[0]: stat for stat in map(_stat, Path("/proc").glob("[0-9]*")) if stat}
    workers = {number for number, stat in processes.items() if stat[3] == own and stat[4] == number}
    for number, stat in processes.items():
        if (stat[4] in workers and number not in workers) or (number in workers and stat[2] == "Z"):
            yield " ".join(stat)


def _stat(folder: Path) -> list[str]:
    """Number, name, state, parent, group."""
    try:
        text = (folder / "stat").read_text()
    except OSError:
        return []
    number, rest = text.split(" (", 1)
    name, rest = rest.rsplit(") ", 1)
    return [number, name, *rest.split()[:3]]


def outcome_of(nb: hotplate.Notebook, cell: str, ending: Ending) -> tuple[OutcomeKind, CellError | None]:
    """How one run of a cell ended that has a neighbour, which must not notice."""
    error = None
    try:
        run = nb.run("neighbour", cell, how=ending.number, executor="process", keep_going=True, fresh=True)
    except CellError as raised:
        error, run = raised, raised.run
    assert run["neighbour"] == ending.number + 100
    return run.cells[cell].outcome.kind, error


@pytest.mark.parametrize("cell", ["in_run", "in_publish"])
@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_a_cell_pays_for_its_own_end_alone(nb: hotplate.Notebook, cell: str, ending: Ending) -> None:
    kind, error = outcome_of(nb, cell, ending)
    if ending.hangs:
        assert (kind, type(error)) == (OutcomeKind.TIMED_OUT, CellTimedOut)
    elif ending.said:
        assert (kind, type(error)) == (OutcomeKind.CRASHED, CellCrashed)
        assert ending.said in str(error)
        assert ("while its results were handed over" in str(error)) == (cell == "in_publish")
    else:
        assert (kind, error) == (OutcomeKind.OK, None)
    if error is not None:
        assert error.cell == cell


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_a_library_that_does_not_open_is_an_error_of_its_cell(nb: hotplate.Notebook, ending: Ending) -> None:
    cell = f"in_open_{ending.number}"
    if not ending.said and not ending.hangs:
        assert nb.run("neighbour", cell, how=ending.number)["neighbour"] == ending.number + 100
        return
    with pytest.raises(LoadError, match=cell) as raised:
        nb.run("neighbour", cell, how=ending.number)
    assert ending.said in str(raised.value)
    told = "it did not open within 0.3 s" if ending.hangs else "while its library was opened"
    assert told in str(raised.value)


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_what_a_worker_does_as_it_leaves_harms_no_call(
    nb: hotplate.Notebook, ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_CALLS", 1)  # each call is the last one of its worker
    cell = nb.load("in_destructor")
    assert [cell(ending.number) for _ in range(3)] == [ending.number] * 3
