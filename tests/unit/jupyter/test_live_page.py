"""The live panel's picture: what it shows of a board and a status, as HTML and as text."""

from __future__ import annotations

import weakref
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pytest

from hotplate import notebook as notation
from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import BuildError, CellFailed
from hotplate.execute import Outcome, OutcomeKind
from hotplate.jupyter.live_page import FINDINGS, ROWS, Scene, Values, panel_picture
from hotplate.reload import LiveStatus
from hotplate.run import CellResult, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.reload.board import Board
    from hotplate.show import Picture

EVIL = '</pre></table><script>alert("1")</script>'


def graph_of(*names: str) -> notation.Graph:
    return notation.build_graph([notation.Node(name) for name in names])


class Read(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def drawn(board: Board) -> Callable[..., Picture]:
    def draw(*names: str, **scene: Any) -> Picture:
        return panel_picture(board, Scene("heat.c", graph_of(*names), now=1010.0, **scene))

    return draw


def svg_states(picture: Picture) -> dict[str | None, str | None]:
    html = picture.html
    svg = ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    return {group.get("data-name"): group.get("data-state") for group in svg.iter() if group.get("data-name")}


def test_before_the_first_run_it_is_the_graph_and_what_goes_on(drawn: Callable[..., Picture]) -> None:
    picture = drawn("n", "u0")
    assert svg_states(picture) == {"n": "", "u0": ""}
    assert "heat.c  ▸ building" in picture.text


def test_graph_and_table_show_the_same_states(drawn: Any, ran: Any, make: Any) -> None:
    ran(make.result("n", 3), make.result("u0", np.arange(9.0), kept=True), make.failure("u1", "no convergence"))
    picture = drawn("n", "u0", "u1", status=LiveStatus(version=2))
    assert svg_states(picture) == {"n": "ok", "u0": "kept", "u1": "failed"}
    text = Read(picture.html).text
    for words in ("v2", "✓ ok", "= kept", "✗ failed", "no convergence", "float64[9]", "waiting for a change"):
        assert words in text
    assert "u1  ✗ failed  no convergence" in picture.text


def test_a_cell_that_tells_how_far_it_is_has_a_bar(drawn: Any, feed: Any) -> None:
    feed("run_started", cells=("slow",))
    feed("cell_started", "slow")
    feed("cell_progress", "slow", done=1, total=4)
    picture = drawn("slow", status=LiveStatus(phase="running"))
    assert '<progress value="1" max="4">' in picture.html
    assert "25%" in picture.text
    newer = drawn("slow", status=LiveStatus(phase="running"), progress={"slow": (3, 4)})
    assert "75%" in newer.text


def test_the_mark_on_old_results_and_what_is_wrong_with_the_newer_text(drawn: Any, ran: Any, make: Any) -> None:
    ran(make.result("u0"))
    wrong = Diagnostic(Severity.ERROR, "expected ';'", "heat.c", 3, 5, source="int x", cell="u0")
    late = Diagnostic(Severity.WARNING, "unused", "heat.c", 1, 1)
    notice = "running v1; the file is newer and does not compile"
    picture = drawn("u0", status=LiveStatus(1, notice, (late, wrong), make.reload(BuildError([wrong]), notice)))
    text = Read(picture.html).text
    assert notice in text
    assert "    3 | int x\n      |     ^" in text
    assert text.index("expected ';'") < text.index("unused")
    assert notice in picture.text


def test_a_value_of_an_older_text_is_dim(drawn: Any, ran: Any, feed: Any, make: Any) -> None:
    ran(make.result("u0", 7))
    assert '<tr class="hp-dim">' not in drawn("u0").html
    feed("reload_started", run="watch", files=("heat.c",))
    feed("cell_building", "u0", run="watch")
    feed("cell_built", "u0", run="watch", ok=False, cached=False, seconds=0.1, build_key="")
    assert '<tr class="hp-dim">' in drawn("u0").html


def test_many_cells_have_rows_where_there_is_news_and_are_counted_else(drawn: Any, ran: Any, make: Any) -> None:
    names = [f"c{i}" for i in range(ROWS + 10)]
    ran(*(make.result(name, kept=name != "c5") for name in names))
    picture = drawn(*names)
    assert Read(picture.html).tags.count("tr") == 1
    assert f"... and {ROWS + 9} more: {ROWS + 9} kept" in picture.text


def test_of_many_findings_the_first_are_shown_and_the_rest_counted(drawn: Any) -> None:
    found = tuple(Diagnostic(Severity.ERROR, f"wrong {i}", "heat.c", i) for i in range(1, FINDINGS + 4))
    picture = drawn("u0", status=LiveStatus(diagnostics=found))
    assert picture.html.count("error: wrong") == FINDINGS
    assert "... and 3 more" in picture.html


def test_the_last_picture_says_that_it_is_over(drawn: Any, ran: Any, make: Any) -> None:
    ran(make.result("u0"))
    assert drawn("u0", ended=True).text.startswith("heat.c  ended")


def test_a_value_is_drawn_once_for_all_pictures_that_show_it(make: Any) -> None:
    values, result = Values(), make.result("u0", np.arange(9.0))
    drawn = values.of(result)
    assert values.of(result) is drawn
    assert values.of(make.result("u0", np.arange(8.0))) != drawn


def test_nothing_that_a_user_wrote_becomes_markup(drawn: Any, ran: Any, make: Any, feed: Any) -> None:
    failed = CellResult("bad", Outcome(OutcomeKind.FAILED, error=CellFailed("bad", EVIL)))
    ran(make.result("text", EVIL, reason=EVIL), failed, make.result("dict", {EVIL: EVIL}))
    feed("cell_retrying", "dict", outcome="failed", error=EVIL, not_before=0.0)
    found = Diagnostic(Severity.ERROR, EVIL, EVIL, 1, 1, source=EVIL, hint=EVIL)
    run = Run("r1", {"bad": failed})
    status = LiveStatus(1, EVIL, (found,), make.reload(BuildError([found])), run, trouble=EVIL)
    read = Read(drawn("text", "bad", "dict", status=status).html)
    assert "script" not in read.tags
    assert read.text.count("alert") >= 7


def test_the_value_of_a_cell_that_is_gone_is_not_kept(drawn: Any, ran: Any, make: Any) -> None:
    values, large = Values(), np.arange(9.0)
    seen = weakref.ref(large)
    ran(make.result("u0", large), make.result("n", 3))
    drawn("u0", "n", values=values)
    del large
    ran(make.result("n", 3))
    drawn("n", values=values)
    assert seen() is None
