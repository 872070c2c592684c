"""Run: the results of one run by name, and the file that they are saved to."""

from __future__ import annotations

import pickle
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.errors import CellFailed, InputError
from hotplate.execute import Outcome, OutcomeKind
from hotplate.run import CellResult, Run
from hotplate.values import result_type

if TYPE_CHECKING:
    from pathlib import Path

stats = result_type("stats", ["mean", "in"])
BODY = np.array((1.5, [1, 2, 3]), dtype=[("mass", "f8"), ("r", "i4", 3)])
VALUES: dict[str, Any] = {
    "i": 3,
    "big": 2**64 - 1,
    "x": 1.5,
    "z": 1 + 2j,
    "yes": True,
    "text": "grüße",
    "nothing": None,
    "u": np.arange(6.0).reshape(2, 3),
    "empty": np.empty((0, 4), np.int16),
    "body": BODY,
    "stats": stats((2.5, np.ones(2))),
    "file": 7,
    "allow_pickle": 8,
}


def done(name: str, value: Any) -> CellResult:
    return CellResult(name, Outcome(OutcomeKind.OK, value))


def run_of(values: dict[str, Any], *others: CellResult) -> Run:
    return Run("id", {**{name: done(name, value) for name, value in values.items()}, **{o.name: o for o in others}})


@pytest.fixture
def failed() -> Run:
    return run_of(
        {"a": 1},
        CellResult("b", Outcome(OutcomeKind.FAILED, error=CellFailed("b", "too cold"))),
        CellResult("c", Outcome(OutcomeKind.SKIPPED, reason="b did not end well")),
    )


def test_values_are_read_by_name_and_by_field() -> None:
    run = run_of(VALUES)
    assert run["x"] == 1.5
    assert run["stats"].mean == run["stats_mean"] == 2.5


def test_a_field_named_like_a_keyword_is_read_without_its_underscore() -> None:
    assert run_of(VALUES)["stats_in"] is VALUES["stats"].in_


def test_a_cell_comes_before_a_field_of_the_same_name() -> None:
    assert run_of({"stats": stats((2.5, 0)), "stats_mean": "the cell"})["stats_mean"] == "the cell"


def test_the_longest_cell_owns_a_field() -> None:
    short, long = namedtuple("a", ["b_c"]), namedtuple("a_b", ["c"])
    assert run_of({"a": short("short"), "a_b": long("long")})["a_b_c"] == "long"


def test_it_is_a_mapping_of_the_cells_that_have_a_value(failed: Run) -> None:
    assert (dict(failed), len(failed), list(failed)) == ({"a": 1}, 1, ["a"])
    assert ("a" in failed, "b" in failed, "c" in failed, "nowhere" in failed) == (True, False, False, False)
    assert list(failed.cells) == ["a", "b", "c"]


def test_a_cell_without_a_value_says_why(failed: Run) -> None:
    with pytest.raises(InputError, match=r"b has no value: it ended as failed \(b: too cold\)"):
        failed["b"]
    with pytest.raises(InputError, match=r"c has no value: it ended as skipped \(b did not end well\)"):
        failed["c"]


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    with pytest.raises(KeyError, match=r"the run has no cell stat; did you mean stats\?"):
        run_of(VALUES)["stat"]


def test_failures_are_those_that_ended_badly_on_their_own_account(failed: Run) -> None:
    assert not failed.ok
    assert [cell.name for cell in failed.failures] == ["b"]


def test_a_status_tells_computed_kept_and_given_apart() -> None:
    outcome = Outcome(OutcomeKind.OK, 1)
    statuses = [CellResult("a", outcome, kept=kept, given=given).status for kept, given in ((0, 0), (1, 0), (0, 1))]
    assert statuses == ["ok", "kept", "given"]


def test_it_goes_to_other_processes_with_what_is_in_it() -> None:
    run = run_of({"a": 1})
    assert pickle.loads(pickle.dumps(run)) == run


def test_what_numpy_can_hold_is_saved_and_reads_back(tmp_path: Path) -> None:
    run = run_of(VALUES)
    saved = run.save(tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as file:
        assert tuple(file) == saved
        for name in saved:
            value = np.asarray(run[name])
            assert (file[name].dtype, file[name].shape) == (value.dtype, value.shape)
            assert file[name].tobytes() == value.tobytes()
    assert set(saved) == (set(VALUES) - {"nothing", "stats"}) | {"stats_mean", "stats_in"}


def test_what_numpy_cannot_hold_is_left_out(tmp_path: Path) -> None:
    run = run_of({"x": 1, "huge": 2**70, "object": object(), "objects": np.array([None]), "list": [1, 2]})
    assert run.save(tmp_path / "out.npz") == ("x",)


def test_the_file_is_called_as_asked(tmp_path: Path) -> None:
    run_of({"x": 1}).save(str(tmp_path / "results.dat"))
    assert [path.name for path in tmp_path.iterdir()] == ["results.dat"]


def test_a_file_that_cannot_be_written_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*nowhere; make it"):
        run_of({"x": 1}).save(tmp_path / "nowhere" / "out.npz")
