"""SweepTable: what a sweep leaves behind, point by point."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import index
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from hotplate.errors import InputError
from hotplate.execute import OutcomeKind
from hotplate.notebook.graph import suggest
from hotplate.run.saving import writing
from hotplate.values import result_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from hotplate.run.result import CellResult
    from hotplate.run.sweep.expansion import Sweep
    from hotplate.run.sweep.files import Written

__all__ = ["Column", "SweepTable"]

_INNOCENT = (OutcomeKind.OK, OutcomeKind.SKIPPED, OutcomeKind.CANCELLED)


@dataclass(frozen=True, slots=True)
class Column:
    """A result of a target: its only one, or one field of several."""

    name: str
    cell: str
    field: str | None = None


@dataclass(frozen=True, repr=False)
class SweepTable:
    """The results of a sweep: a row for each point, with the axes and the results of the targets as columns.

    `table[3]` is a row as a dictionary, `table["energy"]` a column as an array, and a table is iterated by rows. Where
    a point has no result, None stands; `problems` says why. Immutable, so safe to share between threads.
    """

    sweep: Sweep
    cells: Mapping[str, CellResult]
    """The results of the targets' instances, and of whatever else did not end well, by instance."""

    @classmethod
    def of(cls, sweep: Sweep, results: Mapping[str, CellResult]) -> SweepTable:
        """The table of a run's results by instance, of which it holds on to those that it shows and to no others."""
        return cls(sweep, {
            name: result for name, result in results.items()
            if (cell := sweep.cells.get(name)) and (cell in sweep.targets or not result.outcome.ok)
        })  # fmt: skip

    @property
    def ok(self) -> bool:
        """Whether every point has all its results, but for what conditions left out."""
        return all(status in ("ok", "skipped") for status in self.statuses)

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The columns behind those of the axes: `cell`, or `cell_field` for each of several results."""
        found: dict[str, Column] = {}
        for cell in self.sweep.targets:
            fields = self._fields(cell)
            columns = [Column(f"{cell}_{name}", cell, name) for name in fields] or [Column(cell, cell)]
            found.update((column.name, column) for column in columns)
        return found

    def values(self, column: str) -> Sequence[Any]:
        """A result at each point, or the value of an axis; nothing is copied. Raises KeyError."""
        places = {axis.name: i for i, axis in enumerate(self.sweep.axes)}
        if (at := places.get(column)) is not None:
            values, places_of = self.sweep.axes[at].values, self.sweep.points.places
            return [values[places_of(i)[at]] for i in range(len(self))]
        known = self._column(column)
        by_instance = dict(zip(self.sweep.instances(known.cell), self.by_instance(known), strict=True))
        return [by_instance[self.sweep.instance(i, known.cell)] for i in range(len(self))]

    def by_instance(self, column: Column) -> list[Any]:
        """A result at each instance of its cell, each once: in the order of `sweep.instances`; None without one."""
        return [self._value(instance, column.field) for instance in self.sweep.instances(column.cell)]

    @cached_property
    def statuses(self) -> Sequence[str]:
        """How each point ended: `ok`, or how the first cell of it did that has no result of its own account."""
        return [self._status(culprits) for culprits in self._culprits]

    @cached_property
    def problems(self) -> Mapping[int, str]:
        """Why points lack results, by the point's index: `u1: no convergence after 100 steps`."""
        return {i: "; ".join(map(self._problem, names)) for i, names in enumerate(self._culprits) if names}

    @cached_property
    def _culprits(self) -> list[tuple[str, ...]]:
        """For each point, the instances to blame: those that failed, else what was skipped or cancelled first."""
        bad = [name for name in self.sweep.graph.order if (it := self.cells.get(name)) and not it.outcome.ok]
        if not bad:
            return [()] * len(self)
        cells, blamed = list(dict.fromkeys(self.sweep.cells[name] for name in bad)), set(bad)
        found = []
        for i in range(len(self)):
            here = [name for cell in cells if (name := self.sweep.instance(i, cell)) in blamed]
            failed = tuple(name for name in here if self.cells[name].outcome.kind not in _INNOCENT)
            found.append(failed or tuple(here[:1]))
        return found

    def _status(self, culprits: tuple[str, ...]) -> str:
        return self.cells[culprits[0]].outcome.kind.value if culprits else "ok"

    def _problem(self, instance: str) -> str:
        outcome, cell = self.cells[instance].outcome, self.sweep.cells[instance]
        message = str(getattr(outcome.error, "message", None) or outcome.error or outcome.reason or outcome.kind)
        return f"{cell}: {message.removeprefix(f'{cell}: ')}"

    def _value(self, instance: str, field: str | None) -> Any:
        result = self.cells.get(instance)
        if result is None or not result.outcome.ok:
            return None
        return result.value if field is None else result_fields(result.value).get(field)

    def _fields(self, cell: str) -> tuple[str, ...]:
        """The names of a cell's results when it has several; those of what it gave, for Python need not tell before."""
        instances = self.sweep.instances(cell)
        for name in instances:
            if (result := self.cells.get(name)) and result.outcome.ok:
                return tuple(result_fields(result.value))
        declared = self.sweep.graph.nodes[instances[0]].fields
        return declared if len(declared) > 1 else ()

    def _column(self, name: str) -> Column:
        if name in self.columns:
            return self.columns[name]
        if name in self.sweep.targets:
            return Column(name, name)
        known = [axis.name for axis in self.sweep.axes] + list(self.columns)
        raise KeyError(f"the sweep has no column {name}; {suggest(name, known)}")

    # ---- as Python reads it ----

    def __len__(self) -> int:
        return len(self.sweep.points)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice) -> list[dict[str, Any]]: ...
    @overload
    def __getitem__(self, key: str) -> np.ndarray[Any, Any]: ...
    def __getitem__(self, key: int | slice | str) -> dict[str, Any] | list[dict[str, Any]] | np.ndarray[Any, Any]:
        """A point's row, those of a slice of points, or a column.

        A column is stacked, with points along the first axis, where types and shapes agree; else it is an array of
        objects. Where a point has no result, NaN stands among floating-point numbers, else None. Raises IndexError,
        KeyError, and InputError for what is no number, slice or name.
        """
        if isinstance(key, str):
            return _as_array(self.values(key))
        if isinstance(key, slice):
            return [self[i] for i in range(len(self))[key]]
        if not hasattr(key, "__index__"):
            raise InputError(f"a sweep has no [{key!r}]; give a point's number, a slice, or the name of a column")
        if not -len(self) <= index(key) < len(self):
            raise IndexError(f"there is no point {key}: the sweep has {len(self):,}, from 0 on")
        i = range(len(self))[key]
        row = self.sweep.points[i]
        for name, column in self.columns.items():
            row[name] = self._value(self.sweep.instance(i, column.cell), column.field)
        return row

    def __repr__(self) -> str:
        axes = " * ".join(f"{axis.name} ({len(axis):,})" for axis in self.sweep.axes)
        text = f"<{type(self).__name__}: {len(self):,} points of {axes}: {', '.join(self.columns)}"
        if self.problems:
            first, why = next(iter(self.problems.items()))
            text += f"; {len(self.problems):,} lack results, the first at {self.sweep.points.label(first)}: {why}"
        return text + ">"

    # ---- files ----

    def to_npz(self, path: str | Path) -> Written:
        """Writes the axes and all results that NumPy can hold to an uncompressed .npz. See files.write_npz."""
        from hotplate.run.sweep.files import write_npz

        with writing(path):
            return write_npz(self, path)

    def to_csv(self, path: str | Path) -> Written:
        """Writes a line for each point, with what fits into one: numbers and text. See files.write_csv."""
        from hotplate.run.sweep.files import write_csv

        with writing(path):
            return write_csv(self, path)

    def to_arrow(self) -> pa.Table:
        """The table for pandas, Polars and DuckDB. Takes pyarrow (`hotplate[arrow]`). See arrow.as_arrow."""
        from hotplate.run.sweep.arrow import as_arrow

        return as_arrow(self)

    def to_feather(self, path: str | Path) -> Written:
        """Writes `to_arrow` to a Feather file, which is Arrow's own format."""
        from hotplate.run.sweep.arrow import write_feather

        with writing(path):
            return write_feather(self, path)

    def save(self, path: str | Path) -> Written:
        """Writes the format that the path's suffix names: .npz, .csv, .feather or .arrow.

        Raises InputError for another one, and where the file can't be written.
        """
        writers = {".npz": self.to_npz, ".csv": self.to_csv, ".feather": self.to_feather, ".arrow": self.to_feather}
        suffix = str(path).lower().rpartition(".")[2]
        if (write := writers.get(f".{suffix}")) is None:
            raise InputError(f"{path}: a sweep is written as {', '.join(writers)}; give the file one of these suffixes")
        return write(path)


def _as_array(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    """The values along a new first axis where NumPy takes them as they are, else one object for each.

    Where there is none, among floating-point numbers NaN stands: they stay numbers for whoever computes with them.
    """
    from hotplate.run.sweep.files import stacked

    there = [i for i, value in enumerate(values) if value is not None]
    whole = stacked([values[i] for i in there]) if there else None
    if whole is not None and len(there) == len(values):
        return whole
    if whole is not None and whole.dtype.kind in "fc":
        gaps = np.full((len(values), *whole.shape[1:]), np.nan, whole.dtype)
        gaps[there] = whole
        return gaps
    objects = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        objects[i] = value
    return objects
