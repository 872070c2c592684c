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
    return f'<div class="hotplate"><style>{STYLE}</style>{body}</div>'


def toned(text: object, tone: str, *, more: str = "") -> str:
    """Text in a colour."""
    return f'<span class="{f"hp-{tone} {more}".strip()}">{escape(text)}</span>'


def pre(text: object, tone: str = "") -> str:
    """Lines as they stand, compilers' for instance."""
    kind = f' class="hp-{tone}"' if tone else ""
    return f"<pre{kind}>{escape(text)}</pre>"


VARIABLES = " ".join(f"--hp-{tone}: {colour};" for tone, colour in TONES.items())
_TEXTS = " ".join(f".hotplate .hp-{tone} {{ color: var(--hp-{tone}); }}" for tone in TONES)

STYLE = f"""
.hotplate {{ {VARIABLES} color: inherit; font-size: 13px; line-height: 1.45; }}
{_TEXTS}
.hotplate table {{ border-collapse: collapse; border: none; margin: 2px 0; font-size: 13px; }}
.hotplate tr, .hotplate tr:nth-child(even), .hotplate tr:hover {{ background: none; }}
.hotplate th, .hotplate td {{ border: none; padding: 2px 14px 2px 0; text-align: left; vertical-align: middle;
  background: none; white-space: nowrap; max-width: 36em; overflow: hidden; text-overflow: ellipsis; }}
.hotplate th {{ font-weight: 600; opacity: .6; border-bottom: 1px solid rgba(128, 128, 128, .35); }}
.hotplate .hp-right {{ text-align: right; font-variant-numeric: tabular-nums; }}
.hotplate .hp-code, .hotplate pre {{ font-family: {MONOSPACE}; font-size: 12px; }}
.hotplate pre {{ margin: 2px 0; padding: 0; background: none; color: inherit; white-space: pre-wrap; border: none; }}
.hotplate .hp-lines pre {{ white-space: pre; overflow: visible; }}
.hotplate td.hp-wide {{ max-width: none; white-space: normal; }}
.hotplate .hp-dim {{ opacity: .6; }}
.hotplate .hp-mark {{ border-left: 3px solid var(--hp-late); padding: 2px 8px; margin: 4px 0; }}
.hotplate .hp-mark.hp-wrong {{ border-color: var(--hp-bad); }}
.hotplate .hp-scroll {{ overflow: auto; max-width: 100%; }}
.hotplate .hp-plot {{ vertical-align: middle; margin-right: 8px; }}
.hotplate img.hp-plot {{ image-rendering: pixelated; }}
.hotplate progress {{ width: 8em; height: .8em; vertical-align: middle; accent-color: var(--hp-busy); }}
.hotplate figure {{ margin: 4px 0; }}
.hotplate figcaption {{ opacity: .7; font-size: 12px; }}
.hotplate svg {{ max-width: none; }}
"""
"""For everything within an element of the class `hotplate`, and for nothing else on the page."""
