"""What notebooks show of a session's objects, without an extension: the graph with states, tables, signatures."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

import hotplate
from hotplate import RunStore
from hotplate.errors import CellFailed
from hotplate.notebook.drawing import as_svg

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = """\
    #include <hotplate.h>
    int64_t n(void) { return 9; }
    void u0(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
    void u1(int64_t n, const double u0[n], double dt, double out[n]) {
        for (int64_t i = 0; i < n; i++) out[i] = u0[i] * dt;
    }
    """


def states(shown: Any) -> dict[str, str]:
    html = shown._repr_html_()
    svg = ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    groups = [group for group in svg.iter() if group.get("data-name")]
    return {group.get("data-name", ""): group.get("data-state", "") for group in groups}


def test_a_notebook_is_its_graph_with_the_state_of_each_cell(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    nb = hotplate.open(path)
    assert states(nb) == {"dt": "", "n": "", "u0": "", "u1": ""}
    nb.run(dt=0.5)
    assert states(nb) == {"dt": "", "n": "ok", "u0": "ok", "u1": "ok"}
    nb.run(dt=0.25)
    assert states(nb) == {"dt": "", "n": "kept", "u0": "kept", "u1": "ok"}
    path.write_text(path.read_text("utf-8").replace("(double)i;", "2.0 * (double)i;"), "utf-8")
    assert states(nb) == {"dt": "", "n": "kept", "u0": "stale", "u1": "stale"}
    assert "stale, float64[9]" in nb._repr_mimebundle_()["text/plain"]


def test_an_edit_of_a_comment_makes_nothing_stale(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    nb = hotplate.open(path)
    nb.run(dt=0.5)
    path.write_text("// about heat\n" + path.read_text("utf-8"), "utf-8")
    assert "stale" not in states(nb).values()


def test_a_python_cell_that_was_defined_again_is_stale(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(MODEL))

    @nb.cell
    def peak(u0: Any) -> float:
        return float(u0.max())

    nb.run("peak")
    assert states(nb)["peak"] == "ok"

    @nb.cell(name="peak")
    def another(u0: Any) -> float:
        return float(u0.min())

    assert states(nb)["peak"] == "stale"


def test_a_failed_cell_is_marked_and_so_is_what_depends_on_it(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(MODEL))

    @nb.cell(name="dt")
    def step() -> float:
        raise ValueError("<no> step")

    with pytest.raises(CellFailed) as failed:
        nb.run(keep_going=True)
    assert states(nb) == {"n": "ok", "u0": "ok", "u1": "skipped", "dt": "failed"}
    assert "ValueError: <no> step" in unescape(failed.value.run._repr_html_())
    assert "<no>" not in failed.value.run._repr_html_()


def test_a_notebook_whose_file_is_gone_shows_what_was_read_last(notebook: Callable[..., Path]) -> None:
    path = notebook(MODEL)
    nb = hotplate.open(path)
    path.unlink()
    assert set(states(nb)) == {"dt", "n", "u0", "u1"}


def test_a_loaded_cell_is_its_signature_with_types(notebook: Callable[..., Path]) -> None:
    cell = hotplate.open(notebook(MODEL)).load("u1")
    shown = cell._repr_mimebundle_()
    assert "void u1(int64_t n, const double u0[n], double dt, double out[n])" in shown["text/html"]
    assert shown["text/html"].count("float64[n]") == 2
    assert shown["text/plain"] == repr(cell)
    cell.close()
    assert "closed" in cell._repr_html_()


def test_a_sweep_is_a_table_with_a_line_for_each_column_of_numbers(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(MODEL))
    shown = nb.sweep("u0", n=[3])._repr_html_()
    assert "1 of 1 points" in shown

    @nb.cell
    def total(u1: Any) -> float:
        return float(u1.sum())

    swept = nb.sweep("total", dt=[i / 10 for i in range(30)])
    html, text = swept._repr_html_(), swept._repr_mimebundle_()["text/plain"]
    assert html.count("<tr>") == 2 + 21
    assert html.count("<svg") == 1
    assert "10 of 30 points are not shown; save('points.csv') writes them all" in text


def test_a_point_without_a_result_says_why(notebook: Callable[..., Path]) -> None:
    swept = hotplate.open(notebook(MODEL)).sweep("u0", n=[2, -1])
    assert "failed: u0: the extent [n] of out is -1" in swept._repr_html_()


def test_a_store_of_runs_is_the_list_of_the_newest(notebook: Callable[..., Path], tmp_path: Path) -> None:
    with RunStore.open(tmp_path / "runs") as store:
        assert "no recorded runs" in store._repr_html_()
        run = hotplate.open(notebook(MODEL)).run(dt=0.5, record=store)
        shown = store._repr_mimebundle_()
    assert "<table>" in shown["text/html"]
    for words in (run.id, "notebook.c", "done", "3/3"):
        assert words in shown["text/html"]
        assert words in shown["text/plain"]


def test_the_graph_in_the_documentation_is_that_of_the_example() -> None:
    root = Path(__file__).parents[2]
    drawn = as_svg(hotplate.open(root / "examples" / "heat.c").graph)
    assert (root / "docs" / "images" / "heat-graph.svg").read_text("utf-8").strip() == drawn
