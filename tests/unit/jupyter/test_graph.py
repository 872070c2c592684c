"""`%hotplate graph`: the picture of a session's cells, with how each stands."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree


def states(answer: Any) -> dict[str, str]:
    html = answer.value._repr_html_()
    svg = ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    groups = [group for group in svg.iter() if group.get("data-name")]
    return {group.get("data-name", ""): group.get("data-state", "") for group in groups}


def test_the_graph_says_how_cells_stand(shell: Any) -> None:
    shell.cell("int a(void) { return 1; }")
    shell.cell("int b(int a) { return a; }")
    shell.cell("int c(int b, int later) { return b + later; }")
    shown = shell.run("%hotplate graph")
    assert states(shown) == {"later": "", "a": "kept", "b": "kept", "c": "waiting"}
    assert "int" in shown.value._repr_html_()
    assert "c  <- b, later (input)" in repr(shown.value)


def test_an_older_value_is_stale_and_a_failure_is_a_failure(shell: Any) -> None:
    shell.run("k = 1")
    shell.cell('#include <hotplate.h>\nint a(hp_ctx *x, int k) { if (k == 3) hp_fail(x, "no"); return k; }')
    shell.run("k = 2")
    assert states(shell.run("%hotplate graph"))["a"] == "stale"
    shell.run("k = 3\n%hotplate run")
    assert states(shell.run("%hotplate graph"))["a"] == "failed"
