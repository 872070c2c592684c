"""The picture: what it shows, and what it leaves out when there is little room."""

from __future__ import annotations

import re
from collections import namedtuple
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import CellCrashed, InputError
from hotplate.execute import Outcome, OutcomeKind
from hotplate.reload import LiveStatus
from hotplate.run import CellResult, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.reload.board import Board

    Lines = Callable[..., list[str]]


def wrong(number: int, severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic(severity, f"finding {number}", "heat.c", number, 3, 5, "  x = y;")


def test_a_run_is_a_table_of_cells_with_edges_reasons_times_types_and_values(
    make: Any, ran: Callable[..., None], shown: Lines
) -> None:
    ran(
        make.result("n", 3, reason="edited"),
        make.result("u", np.arange(3.0), kept=True, reason="n gave the same bytes"),
        needs={"u": "<- n, dt (input)"},
    )
    title, blank, first, second, *_ = shown(status=LiveStatus(version=2))
    assert (title, blank) == ("heat.c  v2  waiting for a change", "")
    assert first.split() == ["✓", "n", "ok", "edited", "1", "ms", "int", "3"]
    assert second.startswith("= u  <- n, dt (input)  kept  n gave the same bytes  1 ms  float64[3]  ▁▅█  [0. 1. 2.]")


def test_fields_have_lines_of_their_own(make: Any, ran: Callable[..., None], shown: Lines) -> None:
    stats = namedtuple("stats", "mean count")
    ran(make.result("s", stats(0.5, 3)))
    assert [line.split() for line in shown()[2:5]] == [
        ["✓", "s", "ok", "1", "ms"],
        [".mean", "float", "0.5"],
        [".count", "int", "3"],
    ]


def test_a_crash_in_a_worker_is_told_in_its_row_and_shown_on_its_line(ran: Callable[..., None], shown: Lines) -> None:
    where = Diagnostic(Severity.ERROR, "crashed: stack overflow", "heat.c", 7, 9, source="    u(n);", rule="SIGSEGV")
    report = SimpleNamespace(cell="u", message="crashed: stack overflow (SIGSEGV)\ninputs: n: 6", where=where)
    cell = CellResult("u", Outcome(OutcomeKind.CRASHED, error=CellCrashed(report)))
    ran(cell)
    lines = shown(status=LiveStatus(run=Run("r1", {"u": cell})))
    assert lines[2].endswith("crashed: stack overflow (SIGSEGV)")
    assert "heat.c:7:9: error: crashed: stack overflow [SIGSEGV]" in lines


@pytest.mark.parametrize("kind", [OutcomeKind.FAILED, OutcomeKind.SKIPPED])
def test_a_failure_tells_its_message(make: Any, ran: Callable[..., None], shown: Lines, kind: OutcomeKind) -> None:
    ran(make.failure("u", "u: the grid\n is empty", kind))
    assert shown()[2].split(maxsplit=3)[2:] == [kind.value, "the grid is empty"]


def test_the_mark_on_old_results_stands_below_the_title(shown: Lines) -> None:
    assert (
        shown(status=LiveStatus(version=3, notice="running v3; the file is newer"))[1]
        == "running v3; the file is newer"
    )


def test_trouble_with_watching_is_told(shown: Lines) -> None:
    assert "no watches left" in shown(status=LiveStatus(trouble="no watches left"))


def test_findings_are_shown_as_check_prints_them(shown: Lines) -> None:
    found = Diagnostic(Severity.ERROR, "no y", "heat.c", 7, 9, 10, "\tx = 1;\ty", hint="declare it", rule="-Wy")
    lines = shown(status=LiveStatus(diagnostics=(found,)))
    assert lines[3:7] == [line.expandtabs(8).rstrip() for line in found.render().splitlines()]


def test_long_messages_are_folded_and_source_lines_are_cut(shown: Lines) -> None:
    found = Diagnostic(Severity.ERROR, "many words " * 6, "heat.c", 7, 9, 10, "x = 1; " * 20)
    lines = shown(width=50, status=LiveStatus(diagnostics=(found,)))
    assert lines[3:5] == [
        "heat.c:7:9: error: many words many words many",
        "        words many words many words many words",
    ]
    assert lines[5].startswith("    7 | x = 1;")
    assert lines[5].endswith("…")


def test_an_error_without_a_place_is_told_in_full(make: Any, shown: Lines) -> None:
    status = LiveStatus(reload=make.reload(InputError("heat.c needs a value for dt; give it as --set dt=VALUE")))
    assert "error: heat.c needs a value for dt; give it as --set dt=VALUE" in shown(status=status)


def test_errors_come_before_warnings_and_what_does_not_fit_is_counted(shown: Lines) -> None:
    findings = (wrong(1, Severity.WARNING), *(wrong(number) for number in range(2, 9)))
    lines = shown(height=10, status=LiveStatus(diagnostics=findings))
    assert lines[1].startswith("heat.c:2:3: error: finding 2")
    assert lines[-1] == "... and 6 more"
    assert len(lines) == 8


@pytest.mark.parametrize("width", [1, 5, 20, 40, 80, 200])
def test_no_picture_is_larger_than_its_terminal(make: Any, ran: Callable[..., None], shown: Lines, width: int) -> None:
    cells = [make.result(f"cell_{i}", np.arange(9.0), reason="edited") for i in range(20)]
    ran(*cells, make.failure("bad", "no " * 99))
    status = LiveStatus(version=1, notice="running v1; the file is newer", diagnostics=tuple(map(wrong, range(9))))
    for height in range(1, 40):
        lines = shown(width=width, height=height, status=status, keys=True, message="message")
        assert max(map(len, lines)) <= width
        assert len(lines) <= max(height, 5), "the title, the mark and the last lines are five"


def test_of_many_cells_those_with_news_are_shown_in_their_order(
    make: Any, ran: Callable[..., None], shown: Lines
) -> None:
    cells = [make.result(f"c{i}", i, kept=True, reason="up to date") for i in range(1000)]
    cells[900] = make.result("c900", 1, reason="edited")
    cells[950] = make.failure("c950", "no")
    cells[20] = make.result("c20", 1, reason="edited")
    ran(*cells)
    lines = shown(width=60, height=12)
    names = [line.split()[1] for line in lines[1:] if line[:1] in "✓✗="]
    assert [name for name in names if name in ("c20", "c900", "c950")] == ["c20", "c900", "c950"]
    assert any(line.startswith("... and 99") and line.endswith("kept") for line in lines)


def test_a_narrow_terminal_keeps_name_state_and_value(make: Any, ran: Callable[..., None], shown: Lines) -> None:
    ran(make.result("n", 3, reason="edited"), needs={"n": "<- something_long, another_one"})
    assert shown(width=24)[2].split() == ["✓", "n", "ok", "3"] or shown(width=24)[2].split()[:3] == ["✓", "n", "ok"]


def test_what_would_move_the_cursor_is_not_shown(shown: Lines) -> None:
    found = Diagnostic(Severity.ERROR, "bad", "heat.c", 1, 1, 2, "\x1b[2J\x07 x")
    assert not any(character in "".join(shown(status=LiveStatus(diagnostics=(found,)))) for character in "\x1b\x07")


def test_help_takes_the_place_of_the_keys(shown: Lines) -> None:
    assert shown(keys=True)[-1].startswith("q quit")
    assert "draws the screen anew" in "".join(shown(keys=True, help=True))
    assert "q quit" not in "".join(shown(keys=False))


def test_the_result_of_a_draft_is_marked_while_its_cell_is_built(
    feed: Callable[..., None], ran: Callable[..., None], shown: Callable[..., list[str]], make: Any
) -> None:
    feed("reload_started", run="watch", files=("heat.c",))
    feed("cell_building", "n", run="watch")
    ran(make.result("n", draft=True), make.result("after", draft=True), run="r2", drafts=("n",))
    lines = "\n".join(shown(now=1003.0))
    assert re.search(r"\S n +building +draft", lines)
    assert re.search(r"≈ after +draft", lines)


def test_a_cell_that_is_tried_again_waits_and_says_why(board: Board, feed: Callable[..., None], shown: Lines) -> None:
    feed("run_started", cells=("n",))
    feed("cell_started", "n")
    feed("cell_progress", "n", done=1, total=4)
    assert "25%" in "".join(shown())
    feed("cell_retrying", "n", outcome="failed", error="n: no", not_before=0.0)
    assert board.rows["n"].state == "waiting"
    assert any(line.endswith("failed: no; attempt 2") for line in shown())
    feed("cell_started", "n")
    assert board.rows["n"].state == "running"
    assert "25%" not in "".join(shown())
