"""Summary: what came of a magic, as text and HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.diagnostic import Severity
from hotplate.show import Picture, Shown
from hotplate.show.marks import mark_of
from hotplate.show.pages import escape, page, pre, toned
from hotplate.show.values import plot
from hotplate.show.words import milliseconds, preview, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from hotplate.diagnostic import Diagnostic
    from hotplate.run import CellResult


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to one cell, or how it stands."""

    name: str
    status: str
    value: str = ""
    seconds: float | None = None
    build_seconds: float = 0.0
    why: str = ""
    picture: str = ""
    """Of an array, as markup."""

    @classmethod
    def of(cls, result: CellResult) -> Row:
        """That of a cell which was run."""
        ok = result.outcome.ok
        ran = ok and not result.kept and not result.given
        return cls(
            result.name,
            result.status,
            value_words(result.value) if ok else "",
            result.outcome.seconds if ran or (not ok and result.outcome.attempts) else None,
            0.0 if result.kept else result.build_seconds,
            result.reason,
            plot(result.value) if ok else "",
        )

    @property
    def words(self) -> tuple[str, str, str, str, str]:
        """What its line has: name, status, time, value, why."""
        took = "" if self.seconds is None else milliseconds(self.seconds)
        built = f"built in {milliseconds(self.build_seconds)}" if self.build_seconds else ""
        return self.name, self.status, took, self.value, ", ".join(filter(None, (self.why, built)))


@dataclass(frozen=True)
class Summary(Shown):
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
        found = [diagnostic.render() for diagnostic in self.diagnostics]
        return "\n".join([*found, *self.problems, *_lines(self.rows), *self.notes])

    def __repr__(self) -> str:
        return str(self)

    def _picture(self) -> Picture:
        body = [_diagnostic_html(found) for found in self.diagnostics]
        body += [pre(problem, "bad") for problem in self.problems]
        if self.rows:
            body.append(f"<table>{''.join(map(_row_html, self.rows))}</table>")
        body += [f'<div class="hp-dim">{escape(note)}</div>' for note in self.notes]
        return Picture(page("".join(body)), str(self))


def value_words(value: Any) -> str:
    """A value in a few words, of an array also what it is."""
    fields = getattr(type(value), "_fields", None)
    if fields:
        return ", ".join(f"{field} = {value_words(getattr(value, field))}" for field in fields)
    kind = type_of(value)
    return f"{kind} {preview(value)}" if "[" in kind else preview(value)


def _lines(rows: Iterable[Row]) -> list[str]:
    shown = [row.words for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in shown]


def _row_html(row: Row) -> str:
    name, status, took, value, why = row.words
    mark = mark_of("kept" if row.status == "built" else row.status)
    return (
        f"<tr><td><b>{escape(name)}</b></td><td>{toned(f'{mark.sign} {status}', mark.tone)}</td>"
        f'<td class="hp-right">{escape(took)}</td><td class="hp-code">{row.picture}{escape(value)}</td>'
        f'<td class="hp-dim hp-wide">{escape(why)}</td></tr>'
    )


def _diagnostic_html(found: Diagnostic) -> str:
    tone = "bad" if found.severity is Severity.ERROR else "late"
    head, _, rest = found.render().partition("\n")
    return f"<pre>{toned(head, tone)}{chr(10) if rest else ''}{escape(rest)}</pre>"
