"""Summary: what came of a magic, as text and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from hotplate.diagnostic import Severity
from hotplate.jupyter.preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotplate.diagnostic import Diagnostic
    from hotplate.run import CellResult

_COLOURS = {
    "ok": "#1a7f37",
    "kept": "#57606a",
    "built": "#57606a",
    "given": "#57606a",
    "waiting": "#9a6700",
    "skipped": "#9a6700",
    "cancelled": "#9a6700",
}
_RED = "#cf222e"


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to one cell."""

    name: str
    status: str
    value: str = ""
    seconds: float | None = None
    build_seconds: float = 0.0
    why: str = ""

    @classmethod
    def of(cls, result: CellResult, mark: str = "") -> Row:
        """That of a cell which was run."""
        ok = result.outcome.ok
        ran = ok and not result.kept and not result.given
        return cls(
            result.name,
            result.status,
            preview(result.value) if ok else "",
            result.outcome.seconds if ran or (not ok and result.outcome.attempts) else None,
            0.0 if result.kept else result.build_seconds,
            ", ".join(filter(None, (result.reason, mark))),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """What a magic shows. Immutable."""

    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences: what was replaced, what waits for what."""
    problems: tuple[str, ...] = ()
    """What went wrong, in words that may have several lines."""
    diagnostics: tuple[Diagnostic, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows or self.notes or self.problems or self.diagnostics)

    def __str__(self) -> str:
        parts = [found.render() for found in self.diagnostics]
        return "\n".join([*parts, *self.problems, *_lines(self.rows), *self.notes])

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        parts = [_diagnostic_html(found) for found in self.diagnostics]
        parts += [f'<pre style="color:{_RED};margin:0">{escape(problem)}</pre>' for problem in self.problems]
        if self.rows:
            parts.append(_table(self.rows))
        parts += [f'<div style="color:#57606a">{escape(note)}</div>' for note in self.notes]
        return f'<div class="hotplate-summary">{"".join(parts)}</div>'


def duration(seconds: float) -> str:
    """A time with three digits, in the unit that suits it."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _cells(row: Row) -> tuple[str, ...]:
    took = "" if row.seconds is None else duration(row.seconds)
    built = f"built in {duration(row.build_seconds)}" if row.build_seconds else ""
    return row.name, row.status, took, row.value, ", ".join(filter(None, (row.why, built)))


def _lines(rows: Iterable[Row]) -> list[str]:
    shown = [_cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def _table(rows: Iterable[Row]) -> str:
    lines = []
    for row in rows:
        name, status, took, value, why = map(escape, _cells(row))
        colour = _COLOURS.get(row.status, _RED)
        lines.append(
            f'<tr><td style="text-align:left"><b>{name}</b></td>'
            f'<td style="text-align:left;color:{colour}">{status}</td>'
            f'<td style="text-align:right">{took}</td><td style="text-align:left"><code>{value}</code></td>'
            f'<td style="text-align:left;color:#57606a">{why}</td></tr>'
        )
    return f"<table>{''.join(lines)}</table>"


def _diagnostic_html(found: Diagnostic) -> str:
    colour = _RED if found.severity is Severity.ERROR else "#9a6700"
    head, _, rest = found.render().partition("\n")
    body = f"\n{escape(rest)}" if rest else ""
    return f'<pre style="margin:0 0 .5em"><b style="color:{colour}">{escape(head)}</b>{body}</pre>'
