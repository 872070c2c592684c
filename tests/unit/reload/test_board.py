"""The board: what it knows after the events of runs and reloads, in every order in which they come."""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import BuildError, InputError
from hotplate.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.reload.board import Board

    Feed = Callable[..., None]


def states(board: Board) -> dict[str, str]:
    return {name: row.state for name, row in board.rows.items()}


def test_a_cell_goes_from_waiting_over_running_to_its_result(board: Board, feed: Feed, make: Any) -> None:
    feed("run_started", cells=("n", "x"))
    assert states(board) == {"n": "waiting", "x": "waiting"}
    feed("cell_started", "n")
    assert states(board) == {"n": "running", "x": "waiting"}
    feed("cell_done", "n", result=make.result("n"))
    feed("cell_failed", "x", result=make.failure("x", "no"))
    assert states(board) == {"n": "ok", "x": "failed"}


def test_a_newer_text_may_be_built_while_the_older_one_runs(board: Board, feed: Feed, make: Any) -> None:
    feed("run_started", cells=("n",))
    feed("cell_started", "n")
    feed("reload_started", run="watch", files=("heat.c",))
    feed("cell_building", "n", run="watch")
    assert states(board) == {"n": "running"}
    feed("run_done", ok=False, seconds=1.0)
    assert states(board) == {"n": "building"}
    feed("cell_built", "n", run="watch", ok=True, cached=False, seconds=0.1, build_key="k")
    feed("reload_done", run="watch", reload=make.reload(build=("n",)))
    assert not board.active


def test_an_abandoned_build_leaves_nothing_behind(board: Board, feed: Feed) -> None:
    feed("reload_started", files=("heat.c",))
    feed("cell_building", "n")
    feed("reload_started", files=("heat.c",))
    assert not board.active


def test_a_cell_that_does_not_compile_is_broken_until_a_reload_succeeds(
    board: Board, feed: Feed, ran: Callable[..., None], make: Any
) -> None:
    ran(make.result("n"))
    feed("cell_built", "n", ok=False, cached=False, seconds=0.0, build_key="")
    feed("reload_done", reload=make.reload(BuildError([]), "running v1"))
    assert states(board) == {"n": "broken"}
    ran(make.result("n"), run="r2")
    assert states(board) == {"n": "broken"}, "running the old version again mends nothing"
    feed("reload_done", reload=make.reload())
    assert states(board) == {"n": "ok"}


def test_cells_that_are_gone_lose_their_row_and_the_rest_is_in_the_new_order(
    board: Board, ran: Callable[..., None], make: Any
) -> None:
    ran(make.result("a"), make.result("b"), make.result("c"))
    ran(make.result("c"), make.result("a"), run="r2")
    assert list(board.rows) == ["c", "a"]


def test_scalars_leave_a_trail_and_kept_ones_do_not(board: Board, ran: Callable[..., None], make: Any) -> None:
    for number, value in enumerate([1.0, 2.0]):
        ran(make.result("n", value), run=f"r{number}")
    ran(make.result("n", 2.0, kept=True), run="kept")
    assert list(board.rows["n"].trail[""]) == [1, 2]
    ran(make.result("n", 1.0, kept=True), run="taken back")
    assert list(board.rows["n"].trail[""]) == [1, 2, 1]


def test_fields_have_trails_of_their_own(board: Board, ran: Callable[..., None], make: Any) -> None:
    stats = namedtuple("stats", "mean name")
    ran(make.result("s", stats(0.5, "text")))
    assert {field: list(trail) for field, trail in board.rows["s"].trail.items() if trail} == {"mean": [0.5]}


def test_a_renamed_cell_keeps_its_trail(board: Board, feed: Feed, ran: Callable[..., None], make: Any) -> None:
    ran(make.result("old", 1.0))
    feed("reload_done", reload=make.reload(renamed={"new": "old"}))
    ran(make.result("new", 2.0), run="r2")
    assert list(board.rows["new"].trail[""]) == [1, 2]
    assert list(board.rows) == ["new"]


def test_values_that_were_given_come_with_the_run(board: Board, ran: Callable[..., None], make: Any) -> None:
    ran(make.result("x"))
    cells = {"n": make.result("n", 5, given=True), "x": make.result("x")}
    board.adopt(Run("another", cells))
    assert list(board.rows) == ["x"], "results of an earlier run are not taken for these"
    board.adopt(Run("r1", cells))
    assert states(board) == {"n": "given", "x": "ok"}


# ---- the line on what happened


def test_what_a_change_led_to_is_told(board: Board, feed: Feed, ran: Callable[..., None], make: Any) -> None:
    ran(make.result("a"), make.result("b"), make.result("c"))
    assert board.last == "ran 3 · 7 s"
    feed("reload_started", run="watch", files=("heat.c",))
    feed("cell_built", "a", run="watch", ok=True, cached=False, seconds=0.1, build_key="k")
    feed("reload_done", run="watch", reload=make.reload(build=("a",)))
    same = "a gave the same bytes"
    ran(make.result("a"), make.result("b", kept=True, reason=same), make.result("c", kept=True, reason=same), run="r2")
    assert board.last.startswith("built 1 of 3, reran 1, 2 stopped: same bytes · ")


def test_failures_are_counted(board: Board, ran: Callable[..., None], make: Any) -> None:
    ran(make.result("a"), make.failure("b", "no"), make.failure("c", "b failed"))
    assert board.last.startswith("ran 1, 2 failed · ")


def test_a_superseded_run_does_not_end_the_story_of_a_newer_change(board: Board, feed: Feed, make: Any) -> None:
    feed("run_started", cells=("a",))
    feed("reload_started", run="watch", files=("heat.c",))
    feed("reload_done", run="watch", reload=make.reload(load=("a",)))
    said = board.last
    feed("run_done", ok=False, seconds=1.0)
    assert board.last == said == "loaded 1 · 50 ms"


WRONG = Diagnostic(Severity.ERROR, "wrong")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BuildError([WRONG]), "refused: 1 error · 50 ms"),
        (BuildError([WRONG, WRONG, Diagnostic(Severity.WARNING, "odd")]), "refused: 2 errors · 50 ms"),
        (InputError("dt is missing\ngive it"), "refused: 1 error · 50 ms"),
    ],
)
def test_a_refusal_is_told(board: Board, feed: Feed, error: Exception, words: str, make: Any) -> None:
    feed("reload_done", reload=make.reload(error))
    assert board.last == words


def test_a_draft_belongs_to_the_change_that_is_being_built(
    board: Board, feed: Feed, ran: Callable[..., None], make: Any
) -> None:
    ran(make.result("n"))
    feed("reload_started", run="watch", files=("heat.c",))
    feed("cell_building", "n", run="watch")
    ran(make.result("n", 2.0, draft=True), run="r2", drafts=("n",))
    assert (states(board), board.last) == ({"n": "building"}, "draft · 5 s")
    feed("cell_built", "n", run="watch", ok=True, cached=False, seconds=0.1, build_key="k")
    feed("reload_done", run="watch", reload=make.reload(build=("n",)))
    ran(make.result("n", 2.0), run="r3")
    assert (states(board), board.last) == ({"n": "ok"}, "built 1 of 1, reran 1 · 11 s")


def test_the_final_number_takes_the_place_of_its_draft_in_the_trail(
    board: Board, ran: Callable[..., None], make: Any
) -> None:
    ran(make.result("n", 1.0))
    ran(make.result("n", 2.0, draft=True), run="r2")
    ran(make.result("n", 2.5), run="r3")
    assert list(board.rows["n"].trail[""]) == [1.0, 2.5]
