"""Drafts of a notebook that is watched: tcc's result first, the optimising compiler's in its place.

The compiler here is gcc behind a gate, which stays shut as long as a test wants to look at what drafts led to.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.events import Event, Kind
from hotplate.reload import drafts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hotplate.reload import LiveStatus
    from hotplate.reload.live import Live

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gate is a shell script")

PATIENCE = 20.0
MEANWHILE = 0.3
"""Seconds in which a draft would have come; it takes 30 ms."""
CHAIN = """\
int a(void) { return 1; }
int b(int a) { return a + 1; }
int c(int b) { return b + 1; }
"""
SLOW = """\
#include <time.h>
int b(void) { struct timespec wait = {1, 0}; nanosleep(&wait, 0); return 2; }
"""


class Gate:
    """A compiler that waits while the gate is shut, then is gcc; never quick, so that drafts are worth their while."""

    def __init__(self, folder: Path) -> None:
        self._shut = folder / "shut"
        self.compiler = folder / "gcc"
        gcc = shutil.which("gcc")
        assert gcc
        self.compiler.write_text(
            f'#!/bin/sh\nwhile [ -e {shlex.quote(str(self._shut))} ]; do sleep 0.01; done\nsleep 0.1\nexec {gcc} "$@"\n'
        )
        self.compiler.chmod(0o755)

    def shut(self) -> None:
        self._shut.touch()

    def open(self) -> None:
        self._shut.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def one_gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))  # one for all, so that it is asked only once what it is


@pytest.fixture
def gate(one_gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setattr(drafts, "SLOWDOWN", 1)  # a cell that lost the processor for 1 ms has its draft all the same
    yield one_gate
    one_gate.open()


@dataclass
class Watched:
    """A notebook on disk, what follows it, and all events so far."""

    path: Path
    book: hotplate.Notebook
    live: Live
    events: list[Event] = field(default_factory=list)

    def save(self, text: str) -> None:
        temporary = self.path.with_name("~saving")
        temporary.write_text(text)
        os.replace(temporary, self.path)  # noqa: PTH105 - what editors call

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.save(text.replace(old, new))

    def run_with(self, *, draft: bool, **values: Any) -> hotplate.Run:
        """Waits until these are the results, drafts or final, and returns the run that has them."""

        def are_there(status: LiveStatus) -> bool:
            if status.run is None or status.run.draft != draft or status.phase != ("building" if draft else "waiting"):
                return False
            return all(name in status.run and status.run[name] == value for name, value in values.items())

        assert self.live.wait_for(are_there, PATIENCE), self.live.status
        run = self.live.status.run
        assert run is not None
        return run

    def drafts(self) -> list[tuple[str, ...]]:
        """The cells whose drafts were run, run by run."""
        runs = [event.data["drafts"] for event in self.events if event.kind is Kind.RUN_STARTED]
        return [cells for cells in runs if cells]

    def draft_comes(self) -> bool:
        """Whether one comes while the compiler is still at work."""
        return self.live.wait_for(lambda status: status.run is not None and status.run.draft, MEANWHILE)


@pytest.fixture
def watch(notebook: Callable[..., Path], gate: Gate) -> Iterator[Callable[..., Watched]]:
    started: list[Live] = []

    def start(text: str, **options: Any) -> Watched:
        path = notebook(text)
        events: list[Event] = []
        book = hotplate.open(path, compiler=str(gate.compiler), jobs=2)
        live = book.watch(on_event=events.append, **options)
        started.append(live.__enter__())
        watched = Watched(path, book, live, events)
        watched.run_with(draft=False)
        return watched

    yield start
    gate.open()
    for live in started:
        live.stop()


def statuses(run: hotplate.Run) -> dict[str, tuple[str, str, int]]:
    return {name: (cell.status, cell.compiler.split()[0], cell.version) for name, cell in run.cells.items()}


# A draft, then the final result


def test_a_draft_gives_the_first_result_while_the_compiler_works(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("a + 1", "a + 1001")
    run = watched.run_with(draft=True, b=1002, c=1003)
    assert statuses(run) == {"a": ("kept", "gcc", 1), "b": ("draft", "tcc", 2), "c": ("draft", "gcc", 2)}
    assert [run.cells[name].draft for name in "abc"] == [False, True, True]


def test_the_final_result_takes_its_place_under_the_same_version(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("a + 1", "a + 1002")
    draft = watched.run_with(draft=True, b=1003)
    gate.open()
    run = watched.run_with(draft=False, b=1003, c=1004)
    assert statuses(run) == {"a": ("kept", "gcc", 1), "b": ("ok", "gcc", 2), "c": ("kept", "gcc", 2)}
    assert run.cells["c"].reason == "b gave the same bytes"
    assert run.cells["b"].build_key != draft.cells["b"].build_key
    assert (run.version, watched.live.status.version) == (2, 2)


def test_dependents_follow_when_the_compilers_differ(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit(
        "int b(int a) { return a + 1; }",
        "int b(int a) {\n#ifdef __TINYC__\n return 500 + a;\n#else\n return 600 + a;\n#endif\n}",
    )
    watched.run_with(draft=True, b=501, c=502)
    gate.open()
    assert statuses(watched.run_with(draft=False, b=601, c=602))["c"] == ("ok", "gcc", 2)


def test_in_the_end_all_is_as_without_drafts(watch: Callable[..., Watched], gate: Gate) -> None:
    text = """\
        #include <math.h>
        #include <stdint.h>
        void x(double out[64]) { for (int64_t i = 0; i < 64; i++) out[i] = sqrt(i); }
        double norm(int64_t n, const double x[n]) {
            double sum = 0;
            for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
            return sqrt(sum);
        }
    """
    watched = watch(text)
    before = watched.live.status.run
    assert before is not None
    gate.shut()
    watched.edit("sqrt(i)", "sin(i)")
    assert watched.run_with(draft=True).cells["x"].draft
    gate.open()
    run = watched.run_with(draft=False)
    expected = hotplate.open(watched.path, compiler="gcc").run()
    assert run["x"].tobytes() == expected["x"].tobytes()
    assert (run["norm"], watched.book["norm"]) == (expected["norm"], expected["norm"])
    watched.edit("sin(i)", "sqrt(i)")
    assert watched.run_with(draft=False, norm=before["norm"]).cells["x"].reason == "as in v1"


def test_events_tell_a_draft_from_what_follows(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    watched.events.clear()
    gate.shut()
    watched.edit("a + 1", "a + 1003")
    watched.run_with(draft=True, b=1004)
    gate.open()
    watched.run_with(draft=False, b=1004)
    assert watched.drafts() == [("b",)]
    kinds = (Kind.RELOAD_STARTED, Kind.RUN_STARTED, Kind.CELL_BUILT, Kind.CELL_RELOADED, Kind.RELOAD_DONE)
    assert [str(event.kind) for event in watched.events if event.kind in kinds] == [
        "reload_started", "run_started", "cell_built", "cell_reloaded", "reload_done", "run_started",
    ]  # fmt: skip


# What goes wrong


def test_what_only_tcc_takes_leaves_the_last_good_version(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    good = watched.live.status.run
    assert good is not None
    gate.shut()
    watched.edit("a + 1; }", "a + 1004; }\n#ifndef __TINYC__\n#error not with this compiler\n#endif")
    watched.run_with(draft=True, b=1005)
    gate.open()
    run = watched.run_with(draft=False, b=2, c=3)
    assert (run.version, run.notice) == (1, "running v1; the file is newer and does not compile")
    assert statuses(run) == dict.fromkeys("abc", ("kept", "gcc", 1))
    assert (watched.book["b"], watched.book["c"]) == (2, 3)
    watched.save(CHAIN.replace("a + 1", "a + 1005"))
    assert watched.run_with(draft=False, b=1006).version == 2


def test_what_tcc_does_not_take_has_no_draft(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("return a + 1", "double _Complex z = a + 1006; return (int)z")
    assert not watched.draft_comes()
    gate.open()
    watched.run_with(draft=False, b=1007)


def test_a_draft_that_fails_says_so_until_the_compiler_is_done(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch("#include <hotplate.h>\nint b(hp_ctx *ctx) { hp_check(ctx); return 2; }\n")
    gate.shut()
    watched.edit("hp_check(ctx);", 'if (sizeof(__func__) > 1) hp_fail(ctx, "no %d", 1007);')
    assert watched.live.wait_for(lambda status: status.run is not None and bool(status.run.failures), PATIENCE)
    run = watched.live.status.run
    assert run is not None
    assert (run.cells["b"].draft, run.cells["b"].status) == (True, "failed")
    gate.open()
    assert watched.live.wait_for(lambda status: status.run is not None and not status.run.draft, PATIENCE)
    run = watched.live.status.run
    assert run is not None
    assert (run.cells["b"].compiler.split()[0], run.cells["b"].status) == ("gcc", "failed")


def test_the_results_of_a_refused_text_are_never_those_of_the_version_before(
    watch: Callable[..., Watched], gate: Gate
) -> None:
    watched = watch(CHAIN)
    shown: list[hotplate.Run | None] = []

    def is_refused(status: LiveStatus) -> bool:
        if status.notice:
            shown.append(status.run)
        return bool(shown)

    gate.shut()
    watched.edit("a + 1; }", "a + 1016; }\n#ifndef __TINYC__\n#error not with this compiler\n#endif")
    watched.run_with(draft=True, b=1017)
    gate.open()
    assert watched.live.wait_for(is_refused, PATIENCE)
    assert shown[0] is not None
    assert (shown[0]["b"], shown[0].draft) == (2, False)


# A save while a draft is active


def test_a_newer_save_has_a_draft_of_its_own(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("a + 1", "a + 1008")
    watched.run_with(draft=True, b=1009)
    watched.edit("a + 1008", "a + 1010")
    watched.run_with(draft=True, b=1011)
    gate.open()
    assert watched.run_with(draft=False, b=1011).version == 2
    assert [event.cell for event in watched.events if event.kind is Kind.CELL_RELOADED][-1:] == ["b"]


def test_an_edit_that_is_taken_back_ends_its_draft(watch: Callable[..., Watched], gate: Gate) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("a + 1", "a + 1011")
    watched.run_with(draft=True, b=1012)
    watched.edit("a + 1011", "a + 1")
    run = watched.run_with(draft=False, b=2, c=3)
    assert (run.version, statuses(run)["b"]) == (1, ("kept", "gcc", 1))


def test_a_newer_text_that_is_refused_ends_the_draft_of_the_one_before(
    watch: Callable[..., Watched], gate: Gate
) -> None:
    watched = watch(CHAIN)
    gate.shut()
    watched.edit("a + 1", "a + 1012")
    watched.run_with(draft=True, b=1013)
    watched.edit("int a(void)", "int a(int c)")
    run = watched.run_with(draft=False, b=2, c=3)
    assert "running v1" in run.notice


# No drafts


@pytest.mark.parametrize(
    ("text", "old", "new", "options"),
    [
        pytest.param(CHAIN, "a + 1", "a + 1013", {"drafts": False}, id="switched off"),
        pytest.param(SLOW, "return 2", "return 1014", {}, id="slow to run"),
        pytest.param(CHAIN, "int b(int a)", "int new(int a) { return a; }\nint b(int new)", {}, id="a new cell"),
    ],
)
def test_there_is_no_draft(
    watch: Callable[..., Watched], gate: Gate, text: str, old: str, new: str, options: dict[str, Any]
) -> None:
    watched = watch(text, **options)
    gate.shut()
    watched.edit(old, new)
    assert not watched.draft_comes()
    gate.open()
    assert watched.live.wait_for(lambda status: status.version == 2 and status.phase == "waiting", PATIENCE)
    assert watched.drafts() == []


def test_a_plain_run_makes_none(notebook: Callable[..., Path], gate: Gate) -> None:
    book = hotplate.open(path := notebook(CHAIN), compiler=str(gate.compiler))
    book.run()
    path.write_text(CHAIN.replace("a + 1", "a + 1015"))
    assert {cell.compiler.split()[0] for cell in book.run().cells.values()} == {"gcc"}
