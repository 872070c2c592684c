"""The table of a sweep, in memory and in files."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

from hotplate.errors import CellFailed, InputError, SettingError
from hotplate.execute import Outcome, OutcomeKind
from hotplate.notebook import Node, Parameter, build_graph
from hotplate.run import CellResult
from hotplate.run.sweep import SweepTable, axes_of, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Stats(NamedTuple):
    mean: float
    rows: Any


def table(cells: dict[str, Callable[..., Any]], targets: Iterable[str] = (), **swept: Iterable[Any]) -> SweepTable:
    """The table of Python functions over axes. What raises CellFailed fails, and what needs it is skipped."""
    nodes = [Node(name, tuple(map(Parameter, names(cell)))) for name, cell in cells.items()]
    found = expand(build_graph(nodes), axes_of(swept), (), targets)
    results: dict[str, CellResult] = {}
    for name in found.graph.order:
        sources = {p.name: found.graph.edges[name, p.name].cell for p in found.graph.nodes[name].parameters}
        bad = [it for it in sources.values() if it in results and not results[it].outcome.ok]
        if bad:
            outcome = Outcome(OutcomeKind.SKIPPED, reason=f"{bad[0]} did not end well")
        else:
            given = {k: found.values[s] if s in found.values else results[s].value for k, s in sources.items()}
            try:
                outcome = Outcome(OutcomeKind.OK, cells[found.cells[name]](**given))
            except CellFailed as error:
                outcome = Outcome(OutcomeKind.FAILED, error=error)
        results[name] = CellResult(name, outcome)
    return SweepTable.of(found, results)


def names(function: Callable[..., Any]) -> tuple[str, ...]:
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def root(x: float) -> float:
    if x < 0:
        raise CellFailed("root", "x is negative")
    return float(x**0.5)


@pytest.fixture
def whole() -> SweepTable:
    return table(
        {
            "base": lambda n: np.arange(n, dtype=float),
            "area": lambda base, dt: float(base.sum() * dt),
            "grid": lambda dt, n: np.full((2, 3), dt * n),
            "ragged": lambda base: base + 1,
        },
        dt=[0.5, 0.25],
        n=[2, 4, 8],
    )


@pytest.fixture
def partial() -> SweepTable:
    cells = {"root": root, "twice": lambda root: 2 * root, "count": lambda n: n, "name": lambda n: f"run {n}"}
    return table(cells, ["twice", "count", "name"], x=[4.0, -1.0, 9.0], n=[1, 2])


def test_a_row_has_the_axes_and_the_results(whole: SweepTable) -> None:
    row = whole[4]
    assert (row["dt"], row["n"], row["area"]) == (0.25, 4, 1.5)
    assert list(row) == ["dt", "n", "area", "grid", "ragged"]
    assert [it["area"] for it in whole] == [0.5, 3.0, 14.0, 0.25, 1.5, 7.0]
    assert len(whole) == 6


def test_a_column_is_stacked_over_the_points(whole: SweepTable) -> None:
    assert whole["area"].tolist() == [0.5, 3.0, 14.0, 0.25, 1.5, 7.0]
    assert whole["n"].tolist() == [2, 4, 8, 2, 4, 8]
    assert whole["grid"].shape == (6, 2, 3)


def test_a_column_whose_shapes_differ_holds_objects(whole: SweepTable) -> None:
    assert whole["ragged"].dtype == object
    assert [len(value) for value in whole["ragged"]] == [2, 4, 8, 2, 4, 8]


def test_values_are_the_results_themselves(whole: SweepTable) -> None:
    values = whole.values("ragged")
    assert values[0] is values[3]


def test_an_unknown_column_names_the_nearest(whole: SweepTable) -> None:
    with pytest.raises(KeyError, match="did you mean area"):
        whole["aera"]


def test_several_results_are_a_column_each() -> None:
    found = table({"stats": lambda n: Stats(n / 2, np.zeros(n))}, n=[1, 2])
    assert list(found.columns) == ["stats_mean", "stats_rows"]
    assert found["stats_mean"].tolist() == [0.5, 1.0]
    assert found.values("stats")[1] == Stats(1.0, pytest.approx(np.zeros(2)))


def test_points_without_results_say_why(partial: SweepTable) -> None:
    assert not partial.ok
    assert partial.statuses == ["ok", "ok", "failed", "failed", "ok", "ok"]
    assert partial.problems == {2: "root: x is negative", 3: "root: x is negative"}
    assert partial[2] == {"x": -1.0, "n": 1, "twice": None, "count": 1, "name": "run 1"}
    assert "2 lack results, the first at x=-1.0,n=1: root: x is negative" in repr(partial)


def test_what_the_table_does_not_show_it_does_not_hold(whole: SweepTable) -> None:
    assert {whole.sweep.cells[name] for name in whole.cells} == {"area", "grid", "ragged"}


# ---- npz ----


def test_npz_has_each_result_over_the_axes_of_its_cell(whole: SweepTable, tmp_path: Path) -> None:
    written = whole.to_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as saved:
        assert set(written.names) == set(saved)
        assert saved["dt"].tolist() == [0.5, 0.25]
        assert saved["area"].tolist() == [[0.5, 3.0, 14.0], [0.25, 1.5, 7.0]]
        assert saved["area.axes"].tolist() == ["dt", "n"]
        assert saved["grid"].shape == (2, 3, 2, 3)
        assert saved["ragged[n=4]"].tolist() == [1, 2, 3, 4]
        assert "area.ok" not in saved


def test_npz_says_which_results_are_missing(partial: SweepTable, tmp_path: Path) -> None:
    partial.to_npz(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as saved:
        assert saved["twice.ok"].tolist() == [True, False, True]
        np.testing.assert_array_equal(saved["twice"], [4, np.nan, 6])
        assert saved["name"].tolist() == ["run 1", "run 2"]


def test_npz_leaves_out_what_numpy_cannot_hold(tmp_path: Path) -> None:
    found = table({"a": lambda n: {"n": n}, "b": lambda n: n}, n=[1, 2])
    assert found.to_npz(tmp_path / "a.npz").left_out == ("a",)


# ---- csv ----


def test_csv_has_a_line_for_each_point(partial: SweepTable, tmp_path: Path) -> None:
    written = partial.to_csv(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == written.names == ("x", "n", "twice", "count", "name", "status", "problem")
    assert list(rows[1].values()) == ["4.0", "2", "4.0", "2", "run 2", "ok", ""]
    assert list(rows[2].values()) == ["-1.0", "1", "", "1", "run 1", "failed", "root: x is negative"]


def test_csv_leaves_out_arrays_and_says_so(whole: SweepTable, tmp_path: Path) -> None:
    written = whole.to_csv(tmp_path / "a.csv")
    assert written.left_out == ("grid", "ragged")
    assert "area" in written.names


def test_csv_writes_numbers_that_read_back_to_the_bit(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1e-300, np.float64(1 / 3), float("inf")]
    table({"same": lambda x: x}, x=values).to_csv(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert [float(row["same"]) for row in csv.DictReader(file)] == values


def test_csv_renames_its_own_columns_where_a_cell_has_the_name(tmp_path: Path) -> None:
    written = table({"status": lambda x: x}, x=[1]).to_csv(tmp_path / "a.csv")
    assert written.names == ("x", "status", "status_", "problem")


# ---- arrow ----


def test_arrow_has_nulls_lists_and_shapes(whole: SweepTable, partial: SweepTable) -> None:
    pytest.importorskip("pyarrow")
    first, second = whole.to_arrow().to_pydict(), partial.to_arrow().to_pydict()
    assert second["twice"] == [4.0, 4.0, None, None, 6.0, 6.0]
    assert second["status"][2:4] == ["failed", "failed"]
    assert first["ragged"][1] == [1, 2, 3, 4]
    assert (first["grid"][0], first["grid.shape"][0]) == ([1.0] * 6, [2, 3])


def test_arrow_says_what_it_has_no_type_for() -> None:
    pytest.importorskip("pyarrow")
    found = table({"z": lambda n: 1j * n, "b": lambda n: n}, n=[1, 2]).to_arrow()
    assert found.column_names == ["n", "b", "status", "problem"]
    assert found.schema.metadata[b"left_out"] == b'["z"]'


def test_an_array_that_is_missing_at_a_point_is_null() -> None:
    pytest.importorskip("pyarrow")
    found = table({"root": root, "line": lambda root: np.full(2, root)}, x=[4.0, -1.0])
    assert found.to_arrow().to_pydict()["line"] == [[2.0, 2.0], None]


def test_feather_holds_the_arrow_table(whole: SweepTable, tmp_path: Path) -> None:
    feather = pytest.importorskip("pyarrow.feather")
    written = whole.save(tmp_path / "a.feather")
    assert feather.read_table(tmp_path / "a.feather") == whole.to_arrow()
    assert "area" in written.names


def test_without_pyarrow_the_way_out_is_told(whole: SweepTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingError, match=r"pip install hotplate\[arrow\]"):
        whole.to_arrow()


def test_a_suffix_that_nobody_writes_is_refused(whole: SweepTable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.npz, \.csv, \.feather, \.arrow"):
        whole.save(tmp_path / "a.xlsx")
