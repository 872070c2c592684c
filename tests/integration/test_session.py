"""A session with a notebook: what is built, run and kept from one run to the next, and what is refused before it."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import BuildError, CellFailed, CellTimedOut, InputError, NotebookError, RunCancelled
from hotplate.events import Event, Kind
from hotplate.execute import AbortHandle
from tests.integration.sessions import of_kind, statuses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Results


def test_values_are_read_by_cell_and_by_field(model: hotplate.Notebook) -> None:
    run = model.run(start=1.0)
    np.testing.assert_array_equal(run["doubled"], [2, 4, 6, 8])
    assert run["extent"].high[0] == run["extent_high"][0] == run["high"] == 8
    assert (run["note"], run["earth"]["mass"]) == ("grüße", 5.97)
    assert run.ok


def test_results_are_read_only(model: hotplate.Notebook) -> None:
    ramp = model.run("ramp", start=1.0)["ramp"]
    with pytest.raises(ValueError, match="read-only"):
        ramp[0] = 7


def test_inputs_are_passed_without_a_copy_and_left_as_they_were(model: hotplate.Notebook) -> None:
    ramp = np.arange(4.0)
    ramp.flags.writeable = False
    run = model.run("doubled", ramp=ramp)
    assert run["ramp"] is ramp
    np.testing.assert_array_equal(run["doubled"], [0, 2, 4, 6])


def test_the_session_has_the_latest_result_of_each_cell(model: hotplate.Notebook) -> None:
    with pytest.raises(KeyError, match=r"high has no result yet; run it with nb\.run"):
        model["high"]
    run = model.run(start=1.0)
    assert model["high"] == 8
    assert model.last_run is run


def test_a_field_as_target_runs_its_cell(model: hotplate.Notebook) -> None:
    assert list(model.run("extent_low", start=0.0).cells) == ["n", "ramp", "doubled", "extent"]


def test_a_run_saves_arrays_fields_text_and_structs(model: hotplate.Notebook, tmp_path: Path) -> None:
    run = model.run(start=1.0)
    run.save(tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["doubled"], run["doubled"])
        assert (file["extent_high"][0], str(file["note"]), int(file["n"])) == (8, "grüße", 4)
        assert file["earth"]["r"].tolist() == [1, 2, 3]


# Failures

FAILING = """
#include <hotplate.h>
int a(void) { return 1; }
int bad(hp_ctx *ctx, int a) { hp_fail(ctx, "a is %d", a); return 0; }
int after(int bad) { return bad; }
int other(int a) { return a + 1; }
"""


def test_a_failure_keeps_the_results_of_the_others(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session(FAILING)
    with pytest.raises(CellFailed, match="bad: a is 1") as caught:
        nb.run(keep_going=True)
    run = caught.value.run
    assert nb.last_run is run
    assert statuses(run) == {"a": "ok", "bad": "failed", "after": "skipped", "other": "ok"}
    assert (dict(run), nb["other"]) == ({"a": 1, "other": 2}, 2)
    assert not run.ok
    assert run.events[-1].data["ok"] is False


def test_a_failed_cell_runs_again_and_what_was_computed_does_not(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session(FAILING)
    for _ in range(2):
        with pytest.raises(CellFailed):
            nb.run(keep_going=True)
    assert nb.last_run is not None
    assert of_kind(nb.last_run, Kind.CELL_STARTED) == ["bad"]


def test_a_cell_that_takes_too_long_is_asked_to_stop(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("""
        #include <hotplate.h>
        // %% Slow timeout=0.05 retries=1
        int slow(hp_ctx *ctx) { while (!hp_check(ctx)) {} return 0; }
    """)
    with pytest.raises(CellTimedOut, match=r"slow: ran .* 0.05 s are allowed") as caught:
        nb.run()
    assert caught.value.run.cells["slow"].outcome.attempts == 2


def test_a_handle_that_many_runs_share_remembers_none_of_them(model: hotplate.Notebook) -> None:
    abort = AbortHandle()
    for _ in range(3):
        model.run("n", abort=abort)
    assert abort._children == []


def test_an_abort_from_another_thread_stops_the_run(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("""
        #include <hotplate.h>
        int first(void) { return 1; }
        int spin(hp_ctx *ctx, int first) { while (!hp_check(ctx)) {} return first; }
        int after(int spin) { return spin; }
    """)
    handle = AbortHandle()

    def stop(event: Event) -> None:
        if event.kind is Kind.CELL_STARTED and event.cell == "spin":
            threading.Timer(0.01, handle.abort, ["enough"]).start()

    with pytest.raises(RunCancelled, match="the run was stopped: ") as caught:
        nb.run(abort=handle, on_event=stop)
    assert (dict(caught.value.run), nb["first"]) == ({"first": 1}, 1)


def test_code_that_does_not_compile_is_told_in_full_and_nothing_runs(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("""\
        int good(void) { return 1; }
        int bad(void) { return missing; }
        int worse(int good) { return absent + good; }
    """)
    with pytest.raises(BuildError) as caught:
        nb.run()
    assert [(d.cell, d.line) for d in caught.value.diagnostics if d.severity == "error"] == [("bad", 2), ("worse", 3)]
    assert caught.value.exit_code == 3
    assert nb.last_run is not None
    assert of_kind(nb.last_run, Kind.CELL_STARTED) == []
    assert statuses(nb.last_run) == dict.fromkeys(["good", "bad", "worse"], "cancelled")
    assert nb.run("good")["good"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="cells are isolated on Linux only")
def test_an_isolated_cell_that_ends_its_process_costs_no_other_result(
    session: Callable[..., hotplate.Notebook],
) -> None:
    nb = session("""
        #include <stdlib.h>
        int good(void) { return 1; }
        // %% Danger isolate
        int danger(int good) { abort(); }
    """)
    with pytest.raises(hotplate.errors.CellCrashed, match=r"danger: crashed: .*abort"):
        nb.run()
    assert nb["good"] == 1


# What is refused before anything is built


def refused(nb: hotplate.Notebook, *targets: str, **given: Any) -> str:
    events: list[Event] = []
    with pytest.raises((InputError, NotebookError)) as caught:
        nb.run(*targets, on_event=events.append, **given)
    assert [event for event in events if event.kind is Kind.CELL_STARTED] == []
    return str(caught.value)


def test_an_unknown_input_gets_the_nearest_name(model: hotplate.Notebook) -> None:
    assert refused(model, strat=1.0) == "model.c has no cell or input strat; did you mean start?"


def test_an_unknown_target_gets_the_nearest_name(model: hotplate.Notebook) -> None:
    assert refused(model, "hihg", start=1.0) == "model.c has no cell hihg; did you mean high?"
    with pytest.raises(InputError, match=r"model\.c has no cell hihg; did you mean high\?"):
        model.load("hihg")


def test_missing_inputs_are_listed_with_those_who_need_them_before_anything_is_built(
    empty_cache: Path, session: Callable[..., hotplate.Notebook]
) -> None:
    nb = session("double a(double x) { return x; }\ndouble b(double x, double y, double a) { return x + y + a; }")
    message = refused(nb)
    assert "notebook.c needs a value for x (for a, b); y (for b)" in message
    assert "run(x=..., y=...)" in message
    assert not (empty_cache / "artifacts").exists()


def test_inputs_of_cells_that_are_not_asked_for_are_not_missed(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("int a(void) { return 1; }\nint b(int a, int x) { return a + x; }")
    assert dict(nb.run("a")) == {"a": 1}
    assert dict(nb.run(b=5)) == {"b": 5, "a": 1}


@pytest.mark.parametrize(
    ("producer", "consumer", "problem"),
    [
        ("void p(float out[3])", "int q(const double p[3])", "p wants float64[3], but p gives float32[3]"),
        ("void p(double out[3])", "int q(const double p[3][1])", "p is an array with 2 axes, but"),
        ("void p(double out[3])", "int q(const double p[4])", "axis 1 of p is 4 but 3 in p"),
        ("double p(void)", "int q(const double p[1])", "p is an array with 1 axis, but"),
        ("double p(void)", "int q(int p)", "p wants int32, but p gives float64"),
        ("const char *p(void)", "int q(int p)", "p wants int32, but p gives text"),
        ("void p(void)", "int q(int p)", "p needs a value, but p gives none"),
        ("void p(int out_a[1], int out_b[1])", "int q(const int p[1])", "p has 2 results, and a parameter"),
    ],
    ids=["dtype", "rank", "extent", "array of scalar", "float as int", "text as int", "nothing", "several"],
)
def test_cells_that_do_not_fit_are_refused_on_the_consumers_line(
    session: Callable[..., hotplate.Notebook], producer: str, consumer: str, problem: str
) -> None:
    body = "{ return 0; }" if not producer.startswith("void") else "{}"
    nb = session(f"{producer} {body}\n{consumer} {{ return 0; }}\n")
    message = refused(nb)
    assert f"notebook.c:2:{consumer.index('p') + 1}: error: q: {problem}" in message


# Memory of cells, several notebooks


def test_hp_state_survives_calls_and_belongs_to_one_session(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("""
        #include <hotplate.h>
        // %% Counter impure
        int64_t calls(hp_ctx *ctx) { int64_t *n = hp_state(ctx, sizeof *n, 1); return n ? ++*n : -1; }
    """)
    assert [nb.run()["calls"] for _ in range(3)] == [1, 2, 3]
    assert hotplate.open(nb.path).run()["calls"] == 1


def test_sessions_do_not_share_results_and_may_run_at_the_same_time(model_path: Path) -> None:
    sessions = [hotplate.open(model_path) for _ in range(4)]
    results: dict[int, Any] = {}

    def run(i: int) -> None:
        for _ in range(5):
            results[i] = sessions[i].run(start=float(i), fresh=True)["high"]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: 2.0 * (i + 3) for i in range(4)}


# One-off cells


def test_inline_makes_a_function_of_text() -> None:
    assert hotplate.inline("double twice(double x) { return 2 * x; }")(21.0) == 42


def test_inline_takes_cpp() -> None:
    text = "#include <vector>\nstd::vector<int> ones(int n) { return std::vector<int>(static_cast<unsigned>(n), 1); }"
    assert hotplate.inline(text, language="c++")(3).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("int a(void) { return 1; }\nint b(void) { return 2; }", "exactly one cell, and it has 2: a, b"),
        ("static int a(void) { return 1; }", "exactly one cell, and it has none"),
        ("int a(int *p) { return *p; }", "it has none; a: "),
        ("", "it has none"),
    ],
    ids=["several", "helper", "no cell", "empty"],
)
def test_inline_wants_exactly_one_cell(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        hotplate.inline(text)


def test_results_say_that_the_file_is_newer_until_it_runs_again(notebook: Callable[..., Path]) -> None:
    path = notebook("int a(void) { return 1; }\n")
    book = hotplate.open(path)
    book.run()
    path.write_text("int a(void) { return one; }\n")
    with pytest.raises(BuildError):
        book.run()
    assert book.last_run is not None
    assert book.last_run.notice == "running v1; the file is newer and does not compile"
    path.write_text("int a(void) { return 2; }\n")
    assert book.run().version == 2
    assert book.last_run.notice == ""


def test_a_run_is_the_callers_own_although_another_one_follows_at_once(
    notebook: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = hotplate.open(notebook("int a(int x) { return x; }\n"))
    turn, others = book._conductor.turn, [2]

    class Turn:
        def __enter__(self) -> None:
            turn.acquire()

        def __exit__(self, *_: object) -> None:
            turn.release()
            if others:
                book.run(x=others.pop())

    monkeypatch.setattr(book._conductor, "turn", Turn())
    assert book.run(x=1)["a"] == 1


def test_runs_from_several_threads_take_turns(notebook: Callable[..., Path]) -> None:
    book = hotplate.open(notebook("int a(int x) { return x; }\nint b(int a) { return 2 * a; }\n"))
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda x: book.run(x=x), range(20)))
    assert [run["b"] for run in runs] == [2 * x for x in range(20)]


def test_a_file_that_can_not_be_read_is_refused_every_time(notebook: Callable[..., Path]) -> None:
    path = notebook("int a(void) { return 1; }\n")
    book = hotplate.open(path)
    book.run()
    path.write_bytes(b"\0binary")
    time.sleep(0.15)  # older than what may still be written to
    for _ in range(2):
        with pytest.raises(NotebookError, match="binary"):
            book.run()


def test_the_libraries_that_an_edit_replaces_go_at_once_and_not_when_cycles_are_collected(
    notebook: Callable[..., Path],
) -> None:
    path = notebook("int a(void) { return 1; }\n")
    book = hotplate.open(path)
    gc.disable()
    try:
        book.run()
        replaced = weakref.ref(book._reloader.active.tasks["a"].call)  # type: ignore[union-attr]  # it has run
        path.write_text("int a(void) { return 22; }\n")
        assert book.run()["a"] == 22
        assert replaced() is None
    finally:
        gc.enable()


def test_the_results_of_earlier_runs_go_with_the_last_reference_to_them(notebook: Callable[..., Path]) -> None:
    """Without waiting for Python's collector of cycles, which does not know how large arrays are."""
    book = hotplate.open(notebook("void a(double out[1000]) { out[0] = 1; }\n"))
    gc.disable()
    try:
        results = [weakref.ref(book.run(fresh=True)["a"]) for _ in range(20)]
        alive = sum(result() is not None for result in results)
    finally:
        gc.enable()
    assert alive <= 10  # the latest, and the history that edits go back to
