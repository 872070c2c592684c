"""A notebook that is watched: what a save leads to, and what stays as it is."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import BuildError, InputError, LoadError, NotebookError, SettingError
from hotplate.events import Event, Kind
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hotplate.reload.live import Live

PATIENCE = 20.0
CHAIN = """\
int a(void) { return 1; }
int b(int a) { return a + 1; }
int c(int b) { return b + 1; }
"""


@dataclass
class Watched:
    """A notebook on disk, what follows it, and all events so far."""

    path: Path
    book: hotplate.Notebook
    live: Live
    events: list[Event] = field(default_factory=list)

    def save(self, text: str) -> None:
        """As an editor does: a new file takes the place of the old one."""
        temporary = self.path.with_name("~saving")
        temporary.write_text(text)
        os.replace(temporary, self.path)  # noqa: PTH105 - what editors call

    def edit(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.save(text.replace(old, new))

    def settled(self, **values: Any) -> hotplate.Run:
        """Waits until these are the results, and returns the run that has them."""
        assert self.live.wait_for(lambda status: _has(status, values), PATIENCE), self.live.status
        run = self.live.status.run
        assert run is not None
        return run

    def refused(self, words: str) -> hotplate.Run:
        """Waits until the newest text is refused in these words, and returns the marked run."""
        assert self.live.wait_for(lambda status: words in status.notice, PATIENCE), self.live.status
        run = self.live.status.run
        assert run is not None
        return run

    def of_kind(self, *kinds: Kind) -> list[str]:
        """The cells of events of these kinds, since this was last asked."""
        found = [event.cell for event in self.events if event.kind in kinds]
        self.events.clear()
        return found


def _has(status: Any, values: dict[str, Any]) -> bool:
    if status.run is None or status.phase != "waiting" or status.notice:
        return False
    return all(name in status.run and np.array_equal(status.run[name], value) for name, value in values.items())


@pytest.fixture
def watch(notebook: Callable[..., Path]) -> Iterator[Callable[..., Watched]]:
    started: list[Live] = []

    def start(
        text: str,
        suffix: str = ".c",
        cells: tuple[Callable[..., Any], ...] = (),
        compiler: str = "",
        targets: tuple[str, ...] = (),
        **options: Any,
    ) -> Watched:
        path = notebook(text, suffix)
        events: list[Event] = []
        book = hotplate.open(path, compiler=compiler or None)
        for cell in cells:
            book.cell(cell)
        # Drafts would add runs of their own, and come in time or not; see test_drafts.
        live = book.watch(*targets, on_event=events.append, **{"drafts": False, **options})
        started.append(live.__enter__())
        return Watched(path, book, live, events)

    yield start
    for live in started:
        live.stop()


# What a save leads to


@pytest.mark.usefixtures("empty_cache")
def test_a_save_rebuilds_reloads_and_reruns_what_it_touched(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    assert watched.settled(c=3).version == 1
    watched.of_kind()
    watched.edit("a + 1", "a + 10")
    run = watched.settled(c=12)
    assert {name: (cell.status, cell.version) for name, cell in run.cells.items()} == {
        "a": ("kept", 1), "b": ("ok", 2), "c": ("ok", 2),
    }  # fmt: skip
    events = list(watched.events)
    assert [event.cell for event in events if event.kind is Kind.CELL_BUILDING] == ["b"]
    assert [event.cell for event in events if event.kind is Kind.CELL_RELOADED] == ["b"]
    assert [event.cell for event in events if event.kind is Kind.CELL_STARTED] == ["b", "c"]


@pytest.mark.parametrize(("old", "new"), [("int a", "// the start\nint a"), ("return 1;", "return\n\t1 ;")])
def test_a_comment_or_formatting_builds_and_runs_nothing(watch: Callable[..., Watched], old: str, new: str) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.of_kind()
    watched.edit(old, new)
    assert watched.live.wait_for(lambda status: status.version == 2 and status.phase == "waiting", PATIENCE)
    assert watched.of_kind(Kind.CELL_BUILDING, Kind.CELL_STARTED, Kind.CELL_RELOADED) == []


def test_an_edit_that_gives_the_same_bytes_stops_there(watch: Callable[..., Watched]) -> None:
    watched = watch(
        "void a(double out[3]) { for (int i = 0; i < 3; i++) out[i] = i; }\n"
        "double b(const double a[3]) { return a[2]; }\n"
        "double c(double b) { return b + 1; }\n"
    )
    watched.settled(c=3)
    watched.of_kind()
    watched.edit("out[i] = i", "out[i] = 2 * i - i")
    assert watched.live.wait_for(lambda status: status.version == 2 and status.phase == "waiting", PATIENCE)
    run = watched.live.status.run
    assert run is not None
    assert watched.of_kind(Kind.CELL_STARTED) == ["a"]
    assert run.cells["b"].reason == "a gave the same bytes"


def test_an_edit_that_is_taken_back_builds_and_runs_nothing(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit("a + 1", "a + 10")
    watched.settled(c=12)
    watched.of_kind()
    watched.edit("a + 10", "a + 1")
    run = watched.settled(c=3)
    assert run.version == 3
    assert watched.of_kind(Kind.CELL_BUILDING, Kind.CELL_STARTED) == []
    assert run.cells["c"].reason == "as in v1"


def test_a_slow_cell_is_not_run_again_for_an_edit_below_it(watch: Callable[..., Watched]) -> None:
    runs = []

    def slow(a: int) -> int:
        runs.append(a)
        return a

    watched = watch(CHAIN.replace("int b(int a) { return a", "int b(int slow) { return slow"), cells=(slow,))
    watched.settled(c=3)
    for i in range(3):
        watched.edit(f"b + {10**i}", f"b + {10 ** (i + 1)}")
        watched.settled(c=2 + 10 ** (i + 1))
    assert runs == [1]


def test_a_header_that_is_saved_rebuilds_its_users_alone(watch: Callable[..., Watched], tmp_path: Path) -> None:
    (tmp_path / "scale.h").write_text("#define SCALE 2\n")
    watched = watch('int a(void) { return 1; }\n#include "scale.h"\nint b(int a) { return SCALE * a; }\n')
    watched.settled(b=2)
    watched.of_kind()
    (tmp_path / "scale.h").write_text("#define SCALE 7\n")
    watched.settled(b=7)
    reload = watched.live.status.reload
    assert reload is not None
    assert reload.plan.rerun["b"] == "scale.h changed"


def test_cells_come_and_go(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit("int c(int b) { return b + 1; }\n", "int d(int b) { return 5 * b; }\n")
    run = watched.settled(d=10)
    assert list(run) == ["a", "b", "d"]
    with pytest.raises(KeyError):
        watched.book["c"]


def test_inputs_targets_and_executor_hold_for_every_run(watch: Callable[..., Watched]) -> None:
    text = "int a(int x) { return x; }\nint b(int a) { return a; }\nint other(int y) { return y; }\n"
    watched = watch(text, targets=("b",), executor="parallel", jobs=2, x=4)
    watched.settled(b=4)
    watched.edit("return a;", "return a + 1;")
    assert list(watched.settled(b=5)) == ["a", "b"]


@pytest.mark.parametrize(
    ("targets", "inputs", "said"),
    [
        (("nocell",), {"x": 1}, "has no cell nocell"),
        ((), {"dx": 1}, "has no cell or input dx"),
        ((), {}, "needs a value for x"),
    ],
)
def test_a_wrong_call_is_refused_at_once(
    notebook: Callable[..., Path], targets: tuple[str, ...], inputs: dict[str, Any], said: str
) -> None:
    book = hotplate.open(notebook("int a(int x) { return x; }\n"))
    with pytest.raises(InputError, match=said):
        book.watch(*targets, inputs=inputs)


def test_waiting_for_what_was_never_started_is_refused(notebook: Callable[..., Path]) -> None:
    live = hotplate.open(notebook(CHAIN)).watch()
    with pytest.raises(SettingError, match=r"with nb\.watch\(\) as live"):
        live.wait()


def test_the_notebook_knows_the_latest_run(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit("return 1", "return oops")
    watched.refused("does not compile")
    assert watched.book.last_run is not None
    assert watched.book.last_run["c"] == 3
    assert watched.book.last_run.notice == "running v1; the file is newer and does not compile"


# What does not run


@pytest.mark.parametrize(
    ("old", "new", "words", "error"),
    [
        ("a + 1", "a + undeclared", "does not compile", BuildError),
        ("a + 1; }", "a + 1;", "does not parse", NotebookError),
        ("int b(int a)", "int b(int *a)", "breaks a rule of the notation", NotebookError),
        ("int b(int a)", "int b(int c)", "breaks a rule of the notation", NotebookError),
        ("int b(int a) {", 'const char *b(int a) { return "";', "has cells that don't fit together", NotebookError),
        ("int b(int a)", "int b(int missing)", "can't be run", InputError),
    ],
)  # fmt: skip
def test_a_text_that_can_not_run_leaves_the_last_good_version(
    watch: Callable[..., Watched], old: str, new: str, words: str, error: type[Exception]
) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit(old, new)
    run = watched.refused(f"running v1; the file is newer and {words}")
    assert dict(run) == {"a": 1, "b": 2, "c": 3}
    assert words in run.notice
    assert words in repr(run)
    assert watched.live.status.reload is not None
    assert isinstance(watched.live.status.reload.error, error)
    watched.edit(new, old)
    assert watched.settled(c=3).notice == ""


def test_what_does_not_fit_is_told_with_both_signatures(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit("int b(int a) { return a", "double b(int a) { return a")
    watched.refused("has cells that don't fit together")
    (found,) = watched.live.status.diagnostics
    assert found.message == "c: b wants int32, but b gives float64"
    assert found.line == 3


@pytest.mark.parametrize("crash", ["__builtin_trap();", "throw 1;", "std::exit(3);"])
def test_a_library_that_crashes_while_it_is_loaded_is_never_let_in(watch: Callable[..., Watched], crash: str) -> None:
    text = (
        "#include <cstdlib>\nstatic int start() { return 1; }\nconst int first = start();\nint b() { return first; }\n"
    )
    watched = watch(text, ".cpp")
    watched.settled(b=1)
    watched.edit("start() { return 1; }", f"start() {{ {crash} return 1; }}")
    assert watched.refused("does not load")["b"] == 1
    reload = watched.live.status.reload
    assert reload is not None
    assert isinstance(reload.error, LoadError)


def test_a_cell_that_fails_leaves_the_others(watch: Callable[..., Watched]) -> None:
    watched = watch(
        '#include <hotplate.h>\nint a(hp_ctx *ctx) { if (0) hp_fail(ctx, "no"); return 1; }\n'
        "int z(void) { return 5; }\nint b(int a) { return a; }\n"
    )
    watched.settled(b=1, z=5)
    watched.edit("if (0)", "if (1)")
    assert watched.live.wait_for(lambda s: s.run is not None and not s.run.ok, PATIENCE)
    run = watched.live.status.run
    assert run is not None
    assert {name: cell.status for name, cell in run.cells.items()} == {"a": "failed", "b": "skipped", "z": "kept"}
    watched.edit("if (1)", "if (0)")
    watched.settled(b=1, z=5)


def test_a_file_that_is_gone_is_waited_for(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.path.unlink()
    assert watched.refused("can't be read")["c"] == 3
    watched.save(CHAIN.replace("return 1", "return 2"))
    watched.settled(c=4)


def test_a_file_that_is_no_text_is_told_once(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.path.write_bytes(b"\0\1\2 binary")
    watched.refused("can't be read")
    watched.of_kind()
    time.sleep(0.5)
    assert watched.of_kind(Kind.RELOAD_DONE) in ([], [""])
    watched.save(CHAIN)
    watched.settled(c=3)


def test_a_text_that_does_not_compile_at_the_start_is_waited_for(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN.replace("return 1", "return one"))
    assert watched.live.wait_for(lambda status: status.notice != "", PATIENCE)
    assert watched.live.status.notice == "nothing runs yet; the file does not compile"
    assert {found.line for found in watched.live.status.diagnostics} == {1}
    watched.edit("return one", "return 1")
    watched.settled(c=3)


# The memory of cells

COUNTER = """\
#include <hotplate.h>
// %% Counter  impure
int count(hp_ctx *ctx) { int *n = hp_state(ctx, sizeof *n, 1); *n += 1; return *n; }
"""


def test_memory_survives_edits_moves_and_renaming(watch: Callable[..., Watched]) -> None:
    watched = watch(COUNTER)
    watched.settled(count=1)
    watched.edit("*n += 1", "*n += 10")
    watched.settled(count=11)
    watched.edit("int count(", "int total(")
    watched.settled(total=21)


def test_memory_is_what_it_was_when_new_code_fails(watch: Callable[..., Watched]) -> None:
    watched = watch(COUNTER)
    watched.settled(count=1)
    watched.edit("*n += 1;", '*n = -1000; hp_fail(ctx, "not so");')
    assert watched.live.wait_for(lambda s: s.run is not None and not s.run.ok, PATIENCE)
    watched.edit('*n = -1000; hp_fail(ctx, "not so");', "*n += 2;")
    watched.settled(count=3)


# Going back


def test_one_can_go_back_and_further_back_until_the_next_save(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.edit("return 1", "return 2")
    watched.settled(c=4)
    watched.edit("return 2", "return 3")
    watched.settled(c=5)
    for version, value in ((2, 4), (1, 3)):
        watched.live.go_back()
        run = watched.refused(f"v{version} was asked for")
        assert watched.live.wait_for(lambda s, v=value: s.run["c"] == v, PATIENCE)  # type: ignore[misc]  # a default as a binding
        assert f"v{version} was asked for" in run.notice
    with pytest.raises(InputError, match="no version before v1 to go back to"):
        watched.live.go_back()
    watched.edit("return 3", "return 4")
    watched.settled(c=6)


def test_everything_is_run_again_on_request(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    watched.of_kind()
    watched.live.rerun()
    assert eventually(lambda: bool(watched.events) and watched.events[-1].kind is Kind.RUN_DONE)
    assert watched.of_kind(Kind.CELL_STARTED) == ["a", "b", "c"]


# Saves while something goes on

POLLING = """\
#include <hotplate.h>
int quick(void) { return 1; }
int endless(hp_ctx *ctx, int quick) { while (!hp_check(ctx)); return quick; }
"""


def test_a_newer_version_stops_cells_that_it_makes_obsolete(watch: Callable[..., Watched]) -> None:
    watched = watch(POLLING)
    assert eventually(lambda: watched.live.running == ("endless",))
    watched.edit("while (!hp_check(ctx)); return quick;", "return quick + hp_check(ctx);")
    watched.settled(endless=1)


def test_a_cell_that_does_not_stop_for_a_newer_version_is_told_of_until_it_ends(watch: Callable[..., Watched]) -> None:
    gate = threading.Event()

    def slow(a: int) -> int:
        gate.wait(PATIENCE)
        return a

    watched = watch(CHAIN, cells=(slow,))
    assert eventually(lambda: watched.live.running == ("slow",))
    watched.edit("return 1", "return 2")
    told = "slow of v1 was asked to stop and goes on, so the newer version has to wait"
    assert watched.live.wait_for(lambda status: told in status.trouble, PATIENCE)
    gate.set()
    watched.settled(slow=2, c=4)
    assert watched.live.status.trouble == ""


def test_a_newer_version_lets_cells_end_that_it_does_not_touch(watch: Callable[..., Watched]) -> None:
    gate, started = threading.Event(), []

    def slow(a: int) -> int:
        started.append(a)
        gate.wait(PATIENCE)
        return a

    watched = watch(CHAIN.replace("int b(int a) { return a", "int b(int slow) { return slow"), cells=(slow,))
    assert eventually(lambda: bool(started))
    watched.edit("b + 1", "b + 100")
    assert watched.live.wait_for(lambda status: status.version == 2, PATIENCE)
    gate.set()
    watched.settled(c=102)
    assert started == [1], "its result holds in both versions"


@pytest.fixture
def gated(tmp_path: Path) -> tuple[str, Path]:
    """gcc behind a script that notes each compile of a text with SLOW in it, and then waits for the file `go`."""
    log, program = tmp_path / "log", tmp_path / "cc"
    program.write_text(
        "#!/bin/sh\nfor file; do case $file in *.c) if grep -q SLOW $file 2>/dev/null; then\n"
        f'echo $$ >> {log}; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done\nfi;; esac; done\nexec gcc "$@"\n'
    )
    program.chmod(0o755)
    return str(program), log


SLOW = "int a(void) { int SLOW = 1; return SLOW; }\nint b(int a) { return a + 1; }\n"


def test_a_newer_save_kills_the_compiler_that_it_makes_useless(
    watch: Callable[..., Watched], gated: tuple[str, Path]
) -> None:
    program, log = gated
    watched = watch(SLOW, compiler=program)
    assert eventually(log.exists)
    (compiler,) = map(int, log.read_text().split())
    watched.save(SLOW.replace("SLOW", "fast"))
    watched.settled(b=2)
    assert eventually(lambda: not os.path.exists(f"/proc/{compiler}"))  # noqa: PTH110 - no Path needed


def test_a_newer_save_lets_a_compile_go_on_that_it_still_needs(
    watch: Callable[..., Watched], gated: tuple[str, Path]
) -> None:
    program, log = gated
    watched = watch(SLOW, compiler=program)
    assert eventually(log.exists)
    watched.edit("a + 1", "a + 5")
    # Not live.wait_for: nothing of the status changes when the text is read.
    assert eventually(lambda: watched.live.status.phase == "building" and "a + 5" in watched.book.model.text)
    log.with_name("go").touch()
    watched.settled(b=6)
    assert len(log.read_text().split()) == 1


def test_saves_faster_than_anything_can_be_built_end_with_the_newest(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    watched.settled(c=3)
    for i in range(200):
        watched.save(CHAIN.replace("return 1", f"return {i}"))
        time.sleep(0.02)
    assert watched.live.status.version > 1, "after 2 s one of them is shown"
    watched.settled(c=201)


# The end


def test_stopping_leaves_no_thread_and_no_descriptor(notebook: Callable[..., Path]) -> None:
    book = hotplate.open(notebook(CHAIN))
    book.run()
    threads, descriptors = set(threading.enumerate()), set(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are enough
    with book.watch() as live:
        assert live.wait_for(lambda status: _has(status, {"c": 3}), PATIENCE)
    assert live.wait(0)
    assert set(threading.enumerate()) - threads == set()
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)  # noqa: PTH208 - names are enough


def test_waiting_ends_when_somebody_stops_it(watch: Callable[..., Watched]) -> None:
    watched = watch(CHAIN)
    assert not watched.live.wait(0.01)
    threading.Timer(0.05, watched.live.stop).start()
    assert watched.live.wait(PATIENCE)


def test_stopping_asks_cells_that_run_to_stop(watch: Callable[..., Watched]) -> None:
    watched = watch(POLLING)
    assert eventually(lambda: watched.live.running == ("endless",))
    watched.live.stop()
    assert watched.live.running == ()


def test_inline_code_has_no_file_to_watch() -> None:
    with pytest.raises(SettingError, match="has no file to watch"):
        hotplate.Notebook("n.c", text=CHAIN).watch()
