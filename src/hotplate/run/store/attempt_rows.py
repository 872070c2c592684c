"""Attempts in the database: each is a row, but for one that its cell's outcome came of, whose row tells of both.

Most cells are tried once and end well: all that is to be known of such an attempt is in the result but for its usage.
A result can be replaced only by a run that was claimed, so claiming one gives such attempts rows of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.execute import OutcomeKind
from hotplate.execute.cooperation import NOBODY_ASKED, Answer, Cooperation, Usage
from hotplate.run.attempts import Attempt
from hotplate.run.store.rows import ATTEMPT, plain

if TYPE_CHECKING:
    from apsw import Connection

    from hotplate.run.store.rows import Row

_IN_RESULT = (
    "SELECT run, cell, attempts AS number, 'ok' AS outcome, started, seconds, '' AS error, 0 AS unkillable,"
    " 0.0 AS not_before, 'not_applicable' AS answer, 0.0 AS requested, NULL AS observed, NULL AS returned,"
    " user_seconds, system_seconds, peak_kib FROM result WHERE run = ?1 AND attempted"
)


def row_of(run: str, attempt: Attempt) -> Row:
    """An attempt as a row of its own."""
    how = attempt.cooperation
    return (
        run, attempt.cell, attempt.number, attempt.outcome, attempt.started, attempt.seconds,
        plain(attempt.error), attempt.unkillable, attempt.not_before,
        how.answer, how.requested, how.observed, how.returned, *usage_of(attempt),
    )  # fmt: skip


def usage_of(attempt: Attempt) -> Row:
    """The columns that tell what it used."""
    used = attempt.usage
    return (None, None, None) if used is None else (used.user_seconds, used.system_seconds, used.peak_kib)


def is_told_by(attempt: Attempt, number: int, started: float, seconds: float) -> bool:
    """Whether a result that is `ok`, of this attempt and these times, says all of it but its usage."""
    return (
        attempt.number == number
        and attempt.started == started
        and attempt.seconds == seconds
        and attempt.cooperation is NOBODY_ASKED
        and not attempt.error
    )


def give_rows(connection: Connection, run: str) -> None:
    """Gives each attempt of a run a row of its own, so that its results can be replaced."""
    connection.execute(f"INSERT OR IGNORE INTO attempt ({','.join(ATTEMPT.columns)}) {_IN_RESULT}", (run,))
    connection.execute("UPDATE result SET attempted = 0 WHERE run = ? AND attempted", (run,))


def recorded_numbers(connection: Connection, run: str) -> dict[str, set[int]]:
    """The numbers of the attempts that are recorded, by cell."""
    query = f"SELECT cell, number FROM attempt WHERE run = ?1 UNION ALL SELECT cell, number FROM ({_IN_RESULT})"
    recorded: dict[str, set[int]] = {}
    for cell, number in connection.execute(query, (run,)):
        recorded.setdefault(str(cell), set()).add(int(number))
    return recorded


def read_attempts(connection: Connection, run: str) -> dict[str, tuple[Attempt, ...]]:
    """All recorded attempts by cell, in order."""
    columns = ",".join(ATTEMPT.columns)
    query = f"SELECT {columns} FROM attempt WHERE run = ?1 UNION ALL {_IN_RESULT} ORDER BY cell, number"
    found: dict[str, list[Attempt]] = {}
    for row in connection.execute(query, (run,)):
        attempt = _attempt(row)
        found.setdefault(attempt.cell, []).append(attempt)
    return {cell: tuple(attempts) for cell, attempts in found.items()}


def _attempt(row: Any) -> Attempt:
    _, cell, number, outcome, started, seconds, error, unkillable, not_before, answer, *rest = row
    requested, observed, returned, user, system, peak = rest
    usage = None if user is None else Usage(user, system, peak)
    cooperation = Cooperation(Answer(answer), requested, observed, returned)
    kind = OutcomeKind(outcome)
    return Attempt(cell, number, kind, started, seconds, error, cooperation, usage, bool(unkillable), not_before)
