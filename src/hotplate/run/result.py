"""What a run leaves behind."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.errors import InputError
from hotplate.events import EventLog
from hotplate.execute import Outcome, OutcomeKind
from hotplate.frozen import quickly_made
from hotplate.run.attempts import AttemptLog
from hotplate.run.saving import writing
from hotplate.show import Shown
from hotplate.values import field_value

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.events import Event
    from hotplate.run.attempts import Attempt
    from hotplate.show import Picture


@quickly_made
@dataclass(frozen=True, slots=True)
class CellResult(Shown):
    """How one cell of a run ended. `kept`: an earlier result was still valid. `given`: the caller overrode the cell."""

    name: str
    outcome: Outcome
    kept: bool = False
    given: bool = False
    build_seconds: float = 0.0
    """What compiling took; 0 when nothing was compiled."""
    build_key: str = ""
    compiler: str = ""
    version: int = 0
    """The version of the notebook that computed it."""
    draft: bool = False
    """Whether it comes from a draft of its code or of code before it: the optimising compiler is still at work."""
    why: str = ""
    """Why it was computed."""

    @property
    def reason(self) -> str:
        """Why it ran, was kept, skipped or cancelled: `edited`, `u0 changed`, `u0 gave the same bytes`."""
        return self.why or self.outcome.reason

    @property
    def status(self) -> str:
        """`ok`, `kept`, `draft`, `given`, or the outcome's kind."""
        if not self.outcome.ok:
            return self.outcome.kind.value
        if self.draft:
            return "draft"
        return "given" if self.given else "kept" if self.kept else "ok"

    @property
    def value(self) -> Any:
        """The cell's value; None unless it is there."""
        return self.outcome.value

    def _picture(self) -> Picture:
        from hotplate.run.picture import result_picture

        return result_picture(self)


@dataclass(frozen=True, repr=False)
class Run(Mapping[str, Any], Shown):
    """The results of one run, by name: `run["u1"]`, a field of several as `run["stats"].mean` or `run["stats_mean"]`.

    Only cells that have a value count as items; `cells` has them all. Immutable, so safe to share between threads.
    """

    id: str
    cells: Mapping[str, CellResult]
    """In dependency order."""
    seconds: float = 0.0
    happened: EventLog = field(default_factory=EventLog, repr=False, compare=False)
    """What `events` are made of."""
    version: int = 0
    """The version of the notebook that ran, from 1; 0 when nothing could run."""
    notice: str = ""
    """Why these are not the results of the file as it is: "running v3; the file is newer and does not compile"."""
    tried: AttemptLog = field(default_factory=AttemptLog, repr=False, compare=False)
    """What `attempts` are made of."""
    unrecorded: str = field(default="", repr=False)
    """Why not all of it was recorded, although that was asked for."""

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """What happened, without CELL_OUTPUT: a cell's outcome has what it printed."""
        return self.happened.events()

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt at a cell, as they ended."""
        return self.tried.attempts()

    @cached_property
    def ok(self) -> bool:
        """Whether every cell has a value, but for those that a condition left out and traps that nothing set off."""
        well = (OutcomeKind.OK, OutcomeKind.SKIPPED)
        for cell in self.cells.values():  # noqa: SIM110 - all() takes twice as long, and this is done for each cell
            if cell.outcome.kind not in well:
                return False
        return True

    @property
    def draft(self) -> bool:
        """Whether a draft computed any of it; the final results follow."""
        return any(cell.draft for cell in self.cells.values())

    @property
    def failures(self) -> tuple[CellResult, ...]:
        """The cells that ended badly on their own account: neither skipped nor cancelled because of others."""
        innocent = (OutcomeKind.OK, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED)
        return tuple(cell for cell in self.cells.values() if cell.outcome.kind not in innocent)

    def __getitem__(self, name: str) -> Any:
        if (cell := self.cells.get(name)) is not None:
            if cell.outcome.ok:
                return cell.value
            problem = cell.outcome.error or cell.outcome.reason
            message = f"{name} has no value: it ended as {cell.status} ({problem})"
            raise InputError(message)
        for owner, attribute in _splits(name):
            if owner in self.cells:
                with suppress(AttributeError):
                    return field_value(self.cells[owner].value, attribute)
        near = get_close_matches(name, self.cells, 1)
        message = f"the run has no cell {name}" + (f"; did you mean {near[0]}?" if near else "")
        raise KeyError(message)

    def __contains__(self, name: object) -> bool:
        try:
            self[name]  # type: ignore[index]  # any other type is simply no key
        except (KeyError, InputError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return (name for name, cell in self.cells.items() if cell.outcome.ok)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        mark = f" ({self.notice})" if self.notice else ""
        return f"<Run {self.id}: {len(self)} of {len(self.cells)} cells have values: {', '.join(self)}{mark}>"

    def _picture(self) -> Picture:
        from hotplate.run.picture import run_picture

        return run_picture(self)

    def save(self, path: str | Path) -> tuple[str, ...]:
        """Writes every value that NumPy can hold to an uncompressed .npz and returns the names written.

        Fields of several results are saved as `cell_field`; objects that are no array, number or text are left out.
        Raises InputError where the file can't be written.
        """
        arrays = {name: np.asarray(value) for name, value in self._flat() if _is_saveable(value)}
        # Not savez: it appends .npz to a path of another name, and has parameters that a cell may be called (`file`).
        with writing(path), zipfile.ZipFile(path, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return tuple(arrays)

    def _flat(self) -> Iterator[tuple[str, Any]]:
        for name, value in self.items():
            if hasattr(value, "_fields"):
                parts = getattr(value, "_outputs", dict(zip(value._fields, value._fields, strict=True)))
                yield from ((f"{name}_{part}", getattr(value, attribute)) for part, attribute in parts.items())
            else:
                yield name, value


def _is_saveable(value: Any) -> bool:
    plain = isinstance(value, (bool, int, float, complex, str, np.generic, np.ndarray))
    return plain and not np.asarray(value).dtype.hasobject  # an int of more than 64 bits would be an object


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Every way to read a name as `cell_field`, the longest cell first."""
    for i in range(len(name) - 1, 0, -1):
        if name[i] == "_":
            yield name[:i], name[i + 1 :]
