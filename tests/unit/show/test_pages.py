"""A picture brings along the style that it needs."""

from __future__ import annotations

import re

from hotplate.show.pages import TONES, page, toned


def test_a_picture_has_the_rules_for_what_is_in_it_and_no_others() -> None:
    shown = page("<table><tr><td>1</td></tr></table>")
    assert " td {" in shown
    assert not any(f" {other} {{" in shown for other in ("th", "pre", ".hp-dim", "svg", "progress"))
    assert len(page("<p>a word</p>")) < 200


def test_each_colour_that_is_used_is_said() -> None:
    for body in (
        *(toned("x", tone) for tone in TONES),
        '<div class="hp-mark hp-wrong"></div>',
        "<progress></progress>",
    ):
        shown = page(body)
        used = set(re.findall(r"var\((--hp-\w+)\)", shown))
        assert used
        assert used == set(re.findall(r"(--hp-\w+):", shown))
