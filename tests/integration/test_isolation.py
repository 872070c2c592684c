"""What isolated cells take and give: values of every kind, state, output, and their place among other cells."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import sys
import threading
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellCrashed, InputError, RunCancelled
from hotplate.execute import AbortHandle, OutcomeKind
from hotplate.execute.workers import arena
from tests.integration.isolated_cells import CELLS, lives, pool_of
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there are workers on Linux alone")


# ---- one run, some cells here and some there ----


@pytest.mark.parametrize("executor", ["linear", "parallel", "process"])
def test_cells_of_one_run_may_be_here_and_there(own: hotplate.Notebook, executor: str) -> None:
    run = own.run("rounded", "grid_total", n=50_000, executor=executor)
    assert (run["rounded"], run["grid_total"]) == (50_000 * 49_999 + 0.5, 25_000 * 49_999)


def test_an_isolated_cell_has_another_process(nb: hotplate.Notebook) -> None:
    assert nb.run("process", fresh=True)["process"] != os.getpid()


def test_results_pass_from_worker_to_worker_without_a_copy(nb: hotplate.Notebook) -> None:
    sees, shared = nb.load("sees"), nb.load("negative")(np.zeros(100_000))
    seen: list[int] = []
    thread = threading.Thread(target=lambda: seen.append(sees(shared)))
    thread.start()
    assert eventually(pool_of(nb).progress)
    ctypes.c_double.from_address(shared.ctypes.data).value = 1.0
    thread.join()
    assert seen == [1]


def test_a_result_of_this_process_is_copied_once_for_all_isolated_cells(nb: hotplate.Notebook) -> None:
    own = hotplate.Notebook(nb.path, text=CELLS)
    gc.collect()
    before = arena.usage().used
    own.run("grid", n=1_000_000)
    assert arena.usage().used == before
    own.run("grid_total", n=1_000_000)
    copy = arena.usage().used - before
    assert 8_000_000 <= copy < 10_000_000
    own.run("doubled", n=1_000_000)
    assert arena.usage().used - before == 2 * copy  # with the result itself
    del own
    gc.collect()
    assert arena.usage().used == before


def test_what_somebody_may_still_write_to_is_read_anew_each_time(own: hotplate.Notebook) -> None:
    values = np.zeros(100_000)
    text = CELLS.replace("void grid(int64_t n, double out[n]) {", "void unused(int64_t n, double out[n]) {")
    notebook = hotplate.Notebook(own.path, text=text)

    @notebook.cell(impure=True)
    def grid() -> Any:
        return values

    assert notebook.run("grid_total")["grid_total"] == 0
    values[0] = 1
    assert notebook.run("grid_total", fresh=True)["grid_total"] == 1


# ---- values ----


def test_results_are_read_only_and_outlive_worker_and_notebook(nb: hotplate.Notebook) -> None:
    own = hotplate.Notebook(nb.path, text=CELLS)
    result = own.load("negative")(np.arange(100_000.0))
    with pytest.raises(ValueError, match="read-only"):
        result[0] = 1
    workers = pool_of(own).workers
    path = own.path
    del own
    gc.collect()
    assert eventually(lambda: not any(map(lives, workers)))
    others = hotplate.Notebook(path, text=CELLS).load("negative")
    assert [others(np.full(100_000, float(i)))[-1] for i in range(8)] == [-float(i) for i in range(8)]
    np.testing.assert_array_equal(result, -np.arange(100_000.0))


@pytest.mark.parametrize(
    "x",
    [
        np.arange(12.0).reshape(3, 4),
        np.arange(12.0).reshape(4, 3).T,
        np.arange(48.0).reshape(6, 8)[::2, ::-2],
        np.empty((0, 5)),
        np.empty((3, 0)),
        np.ones((2000, 1000)),
        np.broadcast_to(np.arange(4.0), (3, 4)),
        np.float64(1.5),
    ],
    ids=["packed", "transposed", "backwards", "no rows", "no columns", "large", "broadcast", "no axes"],
)
def test_inputs_arrive_as_they_do_in_this_process(sums: hotplate.Notebook, x: Any) -> None:
    here, there = sums.load("here"), sums.load("there")
    try:
        expected = here(x)
    except InputError as refused:
        with pytest.raises(InputError, match=re.escape(str(refused).removeprefix("here"))):
            there(x)
    else:
        assert there(x) == expected == x.sum()


@pytest.fixture(scope="module")
def sums(compiled: Callable[..., hotplate.Notebook]) -> hotplate.Notebook:
    """The sum of a matrix with any strides, here and there."""
    body = """(hp::in<double, "n", "m"> x) {
    double sum = 0;
    for (std::int64_t i = 0; i < x.shape(0); i++)
        for (std::int64_t j = 0; j < x.shape(1); j++) sum += x(i, j);
    return sum;
}
"""
    return compiled(f"double here{body}\n// %% There isolate=yes\ndouble there{body}", ".cpp")


def test_a_result_whose_size_the_cell_chooses(nb: hotplate.Notebook) -> None:
    evens = nb.load("evens")
    assert evens(np.array([1])).shape == (0,)
    for count in (9, 200_000, 9):
        np.testing.assert_array_equal(evens(np.arange(count)), np.arange(0, count, 2))


def test_text_structs_and_several_results(nb: hotplate.Notebook) -> None:
    assert nb.load("greeting")("you, ünïcode") == "hello you, ünïcode"
    middle = nb.load("middle")
    a, b = np.zeros((), middle.dtype("a")), np.zeros((), middle.dtype("b"))
    a["x"], a["tag"], b["y"], b["tag"] = 3, (1, 2), 5, (3, 4)
    found = middle(a, b)
    assert (found["x"], found["y"], found["tag"].tolist()) == (1.5, 2.5, [1, 4])
    both = nb.load("divided")(17, 5)
    assert (both._fields, both.quotient[0], both.rest[0]) == (("quotient", "rest"), 3, 2)


def test_an_input_can_not_be_written_to(nb: hotplate.Notebook) -> None:
    given = np.zeros(1000)
    with pytest.raises(CellCrashed, match="may only be read"):
        nb.load("writes")(given)
    assert given[0] == 0


# ---- hp_state ----


def test_state_outlives_the_worker(nb: hotplate.Notebook) -> None:
    counts = nb.load("counts")
    assert [counts(1), counts(1)] == [1, 2]
    with pytest.raises(CellCrashed):
        counts(-1)
    assert counts(1) == 3


def test_state_outlives_a_reload(tmp_path: Path) -> None:
    path = tmp_path / "states.c"
    text = dedent("""
        #include <hotplate.h>
        // %% A isolate=yes impure=yes
        int64_t step(hp_ctx *ctx) {
            int64_t *count = hp_state(ctx, sizeof *count, 1);
            return *count += 1;
        }
    """)
    path.write_text(text)
    notebook = hotplate.open(path)
    assert [notebook.run()["step"], notebook.run()["step"]] == [1, 2]
    path.write_text(text.replace("+= 1", "+= 10"))
    assert notebook.run()["step"] == 12


# ---- output ----


def test_stdout_and_stderr_are_kept_apart(nb: hotplate.Notebook, capfd: pytest.CaptureFixture[str]) -> None:
    outcome = nb.run("talks", lines=2, fresh=True).cells["talks"].outcome
    assert (outcome.stdout.text, outcome.stderr.text) == ("out 0\nout 1\n", "err\n")
    assert capfd.readouterr() == ("out 0\nout 1\n", "err\n")


def test_output_is_seen_while_the_cell_runs(nb: hotplate.Notebook, capfd: pytest.CaptureFixture[str]) -> None:
    abort, seen = AbortHandle(), []

    def look() -> None:
        seen.append(eventually(lambda: "first" in capfd.readouterr().out))
        abort.abort("seen")

    thread = threading.Thread(target=look)
    thread.start()
    with pytest.raises(RunCancelled):
        nb.run("talks_then_waits", abort=abort)
    thread.join()
    assert seen == [True]


def test_of_much_output_beginning_and_end_are_kept(nb: hotplate.Notebook, capfd: pytest.CaptureFixture[str]) -> None:
    lines = 100_000
    kept = nb.run("talks", lines=lines, fresh=True).cells["talks"].outcome.stdout
    assert capfd.readouterr().out.count("\n") == lines
    assert kept.head.startswith("out 0\nout 1\n")
    assert kept.tail.endswith(f"out {lines - 1}\n")
    assert len(kept.head) + kept.dropped + len(kept.tail) == sum(len(f"out {i}\n") for i in range(lines))


def test_what_a_cell_printed_before_it_died_is_kept(nb: hotplate.Notebook) -> None:
    with pytest.raises(CellCrashed, match="told before the end") as raised:
        nb.run("dies_talking")
    assert raised.value.run.cells["dies_talking"].outcome.stdout.text == "told before the end"


def test_the_crash_of_a_python_cell_is_reported_as_any_other(tmp_path: Path) -> None:
    path = tmp_path / "empty.c"
    path.write_text("int n(void) { return 2; }\n", "utf-8")
    notebook = hotplate.open(path)

    @notebook.cell
    def reads(n: int) -> bytes:
        return ctypes.string_at(0)

    with pytest.raises(CellCrashed, match=r"string_at\n.*in reads\ninputs: n: 2$") as raised:
        notebook.run("reads", executor="process")
    report = raised.value.report
    assert (report.signal, report.stage, report.inputs) == ("SIGSEGV", "run", {"n": "2"})
    assert (report.where.path, report.where.line) == (__file__, reads.__code__.co_firstlineno + 2)


# ---- watch ----


def test_an_edit_that_crashes_leaves_the_last_good_result(tmp_path: Path) -> None:
    path = tmp_path / "watched.c"
    good = "#include <stdlib.h>\n// %% A isolate=yes\nint cell(void) { return 41; }\n"
    path.write_text(good)
    notebook = hotplate.open(path)

    def is_now(status: Any, kind: OutcomeKind) -> bool:
        return status.run is not None and status.run.cells["cell"].outcome.kind is kind

    with notebook.watch(drafts=False) as live:
        assert live.wait_for(lambda status: is_now(status, OutcomeKind.OK), timeout=60)
        path.write_text(good.replace("return 41;", "abort(); return 42;"))
        assert live.wait_for(lambda status: is_now(status, OutcomeKind.CRASHED), timeout=60)
        assert notebook["cell"] == 41
        path.write_text(good.replace("return 41;", "return 43;"))
        assert live.wait_for(lambda status: is_now(status, OutcomeKind.OK) and status.run["cell"] == 43, timeout=60)
