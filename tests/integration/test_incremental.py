"""A session over several runs: what is built and run again after a change, and what is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import NotebookError
from hotplate.events import Kind
from tests.integration.sessions import of_kind, statuses

if TYPE_CHECKING:
    from collections.abc import Callable

# What is kept


def test_an_unchanged_run_runs_nothing(model: hotplate.Notebook) -> None:
    first = model.run(start=1.0)
    again = model.run(start=1.0)
    assert set(statuses(again).values()) == {"kept"}
    assert of_kind(again, Kind.CELL_STARTED) == []
    assert again["doubled"] is first["doubled"]


def test_a_changed_input_runs_what_takes_it_and_its_descendants(model: hotplate.Notebook) -> None:
    model.run(start=1.0)
    again = model.run(start=2.0)
    assert of_kind(again, Kind.CELL_STARTED) == ["ramp", "doubled", "extent", "high"]
    assert again["high"] == 10


def test_an_overridden_cell_reruns_its_descendants_only(model: hotplate.Notebook) -> None:
    model.run(start=1.0)
    again = model.run(start=1.0, ramp=np.zeros(4))
    assert of_kind(again, Kind.CELL_STARTED) == ["doubled", "extent", "high"]
    assert statuses(again)["ramp"] == "given"
    back = model.run(start=1.0)
    assert statuses(back)["ramp"] == "kept"
    assert back["high"] == 8


def test_fresh_runs_everything(model: hotplate.Notebook) -> None:
    model.run(start=1.0)
    assert set(statuses(model.run(start=1.0, fresh=True)).values()) == {"ok"}


def test_impure_cells_always_run(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("""
        int steady(void) { return 1; }
        // %% Clock impure
        int clock_(void) { static int calls; return ++calls; }
        // %% After
        int after(int clock_) { return clock_; }
    """)
    assert [nb.run()["after"] for _ in range(3)] == [1, 2, 3]
    assert statuses(nb.run()) == {"steady": "kept", "clock_": "ok", "after": "ok"}


# Edits

EDITED = """\
int a(void) { return 1; }
int b(int a) { return a + 1; }
int c(int b) { return b + 1; }
int other(void) { return 9; }
"""


@pytest.fixture
def edited(empty_cache: Path, notebook: Callable[..., Path]) -> Callable[[str, str], hotplate.Run]:
    """A session that has run, and is run again after each edit: `edited(old, new)`."""
    path = notebook(EDITED)
    nb = hotplate.open(path)
    assert nb.run()["c"] == 3

    def edit(old: str, new: str) -> hotplate.Run:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        return nb.run()

    return edit


def test_an_edited_cell_is_built_alone_and_rerun_with_its_descendants(
    edited: Callable[[str, str], hotplate.Run],
) -> None:
    run = edited("a + 1", "a + 10")
    assert of_kind(run, Kind.CELL_BUILDING) == ["b"]
    assert of_kind(run, Kind.CELL_STARTED) == ["b", "c"]
    assert run["c"] == 12


def test_a_reverted_edit_builds_and_runs_nothing(edited: Callable[[str, str], hotplate.Run]) -> None:
    edited("a + 1", "a + 10")
    run = edited("a + 10", "a + 1")
    assert of_kind(run, Kind.CELL_BUILDING) == []
    assert of_kind(run, Kind.CELL_STARTED) == []
    assert run["c"] == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int b(", "// what b does\nint b("),
        ("return 9;", "return 9; /* nine */"),
        ("{ return a + 1; }", "{\n    return a  +  1;\n}"),
        ("int a(void)", "\n\n\nint a(void)"),
    ],
    ids=["comment above", "comment inside", "layout", "blank lines"],
)
def test_an_edit_of_comments_or_layout_builds_and_runs_nothing(
    edited: Callable[[str, str], hotplate.Run], old: str, new: str
) -> None:
    run = edited(old, new)
    assert of_kind(run, Kind.CELL_BUILDING) == []
    assert of_kind(run, Kind.CELL_STARTED) == []


def test_a_new_cell_is_built_and_run_alone(edited: Callable[[str, str], hotplate.Run]) -> None:
    run = edited("int other", "int d(int c) { return -c; }\nint other")
    assert of_kind(run, Kind.CELL_STARTED) == of_kind(run, Kind.CELL_BUILDING) == ["d"]
    assert run["d"] == -3


def test_a_deleted_notebook_is_a_clear_error_and_comes_back(session: Callable[..., hotplate.Notebook]) -> None:
    nb = session("int a(void) { return 1; }")
    nb.run()
    nb.path.rename(nb.path.with_suffix(".moved"))
    with pytest.raises(NotebookError, match=r"notebook\.c: error: there is no such file"):
        nb.run()
    nb.path.with_suffix(".moved").rename(nb.path)
    assert statuses(nb.run()) == {"a": "kept"}


def test_a_notebook_replaced_by_another_file_is_read_again(
    session: Callable[..., hotplate.Notebook], tmp_path: Path
) -> None:
    nb = session("int a(void) { return 1; }")
    nb.run()
    (tmp_path / "new.c").write_text("int z(void) { return 26; }")
    (tmp_path / "new.c").replace(nb.path)
    assert dict(nb.run()) == {"z": 26}


def test_a_line_above_the_includes_of_a_cpp_notebook_builds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "moved.cpp"
    text = "#include <cmath>\ndouble root() { return std::sqrt(16.0); }\n"
    path.write_text(text, "utf-8")
    first = hotplate.open(path).run()
    path.write_text(f"// a comment\n\n{text}", "utf-8")
    built = [event.data for event in hotplate.open(path).run().events if event.kind == "cell_built"]
    assert first["root"] == 4.0
    assert [data["cached"] for data in built] == [True]


def test_notebooks_with_the_same_includes_share_their_precompiled_form(tmp_path: Path) -> None:
    preludes = Path(os.environ["HOTPLATE_CACHE_DIR"]) / "preludes"
    counts = []
    for name in ("one.cpp", "two.cpp"):
        path = tmp_path / name
        path.write_text(f"// {name}\n#include <numbers>\ndouble pi() {{ return std::numbers::pi; }}\n", "utf-8")
        assert hotplate.open(path).run()["pi"] == pytest.approx(3.141592653589793)
        counts.append(len(list(preludes.iterdir())))
    assert counts[0] == counts[1]
