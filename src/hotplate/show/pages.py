"""What all pictures in HTML have in common: escaping, and one look that follows the front end's theme."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TONES: Mapping[str, str] = {
    "good": "#16936a",
    "kept": "#3b7fd4",
    "late": "#b0760a",
    "bad": "#d9482b",
    "busy": "#9c5fd0",
    "idle": "#808080",
}
"""Colours by meaning. Each has a contrast of at least 3 with white and with black, as WCAG 2.1 (1.4.11) asks of signs:
the themes of Jupyter, VS Code and marimo do not say in one way which of them is on."""

MONOSPACE = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'


def escape(text: object) -> str:
    """Text that stands for itself in HTML and SVG, between tags and in attributes."""
    # Control characters are not allowed in XML, escaped or not.
    shown = "".join(c if c in "\n\t" or c.isprintable() or c == "\u00a0" else "\ufffd" for c in str(text))
    return html.escape(shown)


def page(body: str) -> str:
    """A picture with its style. `body` is markup."""
    return f'<div class="hotplate"><style>{_style_of(body)}</style>{body}</div>'


def toned(text: object, tone: str, *, more: str = "") -> str:
    """Text in a colour."""
    return f'<span class="{f"hp-{tone} {more}".strip()}">{escape(text)}</span>'


def pre(text: object, tone: str = "") -> str:
    """Lines as they stand, compilers' for instance: a caret is under its character. A single line may be folded."""
    kinds = " ".join(filter(None, [f"hp-{tone}" if tone else "", "hp-lines" if "\n" in str(text) else ""]))
    return f'<pre class="{kinds}">{escape(text)}</pre>'


VARIABLES = " ".join(f"--hp-{tone}: {colour};" for tone, colour in TONES.items())
_OURS = ".hotplate" * 4
"""The class again and again: front ends have rules of their own for tables, and the more specific rule holds."""

_CELL = """border: none; padding: 2px 14px 2px 0; text-align: left; vertical-align: middle; background: none;
white-space: nowrap; max-width: 36em; overflow: hidden; text-overflow: ellipsis;"""
_PRE = """margin: 2px 0; padding: 0; background: none; color: inherit; white-space: pre-wrap; border: none;
word-break: normal; overflow-wrap: anywhere;"""
_CODE = f"font-family: {MONOSPACE}; font-size: 12px;"

_RULES = (
    ("<table", "table", "border-collapse: collapse; border: none; margin: 2px 0; font-size: 13px;"),
    ("<tr", "tr", "background: none;"),
    ("<tr", "tr:nth-child(even)", "background: none;"),
    ("<tr", "tr:hover", "background: none;"),
    ("<td", "td", _CELL),
    ("<th", "th", _CELL),
    ("<th", "th", "font-weight: 600; opacity: .6; border-bottom: 1px solid rgba(128, 128, 128, .35);"),
    ("hp-right", ".hp-right", "text-align: right; font-variant-numeric: tabular-nums;"),
    ("hp-code", ".hp-code", _CODE),
    ("<pre", "pre", f"{_CODE} {_PRE}"),
    ("hp-lines", "pre.hp-lines", "white-space: pre; overflow: visible;"),
    ("hp-wide", "td.hp-wide", "max-width: none; white-space: normal;"),
    ("hp-dim", ".hp-dim", "opacity: .6;"),
    ("hp-mark", ".hp-mark", "border-left: 3px solid var(--hp-late); padding: 2px 8px; margin: 4px 0;"),
    ("hp-wrong", ".hp-mark.hp-wrong", "border-color: var(--hp-bad);"),
    ("hp-scroll", ".hp-scroll", "overflow: auto; max-width: 100%;"),
    ("hp-plot", ".hp-plot", "vertical-align: middle; margin-right: 8px;"),
    ("<img", "img.hp-plot", "image-rendering: pixelated;"),
    ("<progress", "progress", "width: 8em; height: .8em; vertical-align: middle; accent-color: var(--hp-busy);"),
    ("<figure", "figure", "margin: 4px 0;"),
    ("<figcaption", "figcaption", "opacity: .7; font-size: 12px;"),
    ("<svg", "svg", "max-width: none;"),
)
"""What a body has to have for a rule to be of use, what it is for, and what it says."""


def _style_of(body: str) -> str:
    """What the body needs of the style, for itself alone: each output of a saved notebook has its own."""
    tones = [f"{_OURS} .hp-{tone} {{ color: var(--hp-{tone}); }}" for tone in TONES if f"hp-{tone}" in body]
    rules = [f"{_OURS} {what} {{ {words} }}" for needle, what, words in _RULES if needle in body]
    text = "\n".join([*tones, *rules])
    colours = " ".join(f"--hp-{tone}: {colour};" for tone, colour in TONES.items() if f"hp-{tone}" in text + body)
    return f"\n{_OURS} {{ {colours} color: inherit; font-size: 13px; line-height: 1.45; }}\n{text}\n"
