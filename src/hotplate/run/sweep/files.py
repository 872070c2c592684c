"""A sweep's results as files: .npz with arrays on a grid, and .csv with a line for each point."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotplate.run.sweep.table import Column, SweepTable

__all__ = ["Written", "problem_columns", "stacked", "write_csv", "write_npz"]

_PLAIN = (bool, int, float, complex, str, np.generic)


@dataclass(frozen=True, slots=True)
class Written:
    """What of a table a file holds."""

    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    """The columns that the format can't hold."""


def write_npz(table: SweepTable, path: str | Path) -> Written:
    """Writes an uncompressed .npz: each axis by its name, and each result over the axes that its cell depends on.

    `energy[i, j]` belongs to the i-th value of the first of the axes that `energy.axes` names, and the j-th of the
    second; axes of the result itself follow. Where points lack a result, NaN or 0 stands and `energy.ok` says so. When
    shapes or types differ from point to point, each is an array of its own: `energy[dt=0.1,n=128]`. What is no number,
    text or array of such is left out.
    """
    names: list[str] = []
    left_out: list[str] = []
    # Not savez: it appends .npz to a path of another name, and takes some names (`file`) for its own parameters.
    with zipfile.ZipFile(path, "w") as archive:
        for name, arrays in _columns(table):
            count = len(names)
            for key, array in arrays:
                with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
                names.append(key)
            if len(names) == count:
                left_out.append(name)
    return Written(tuple(names), tuple(left_out))


def write_csv(table: SweepTable, path: str | Path) -> Written:
    """Writes a header and a line for each point: axes, results that are numbers or text, `status` and `problem`.

    Floats are written so that reading gives the same bits. Of a result that is an array anywhere the whole column is
    left out: an .npz holds it. An axis of arrays is written by labels (`#0`).
    """
    kept = [name for name in table.columns if all(map(_fits_a_line, table.by_instance(table.columns[name])))]
    extra = problem_columns(table)
    axes = [axis.name for axis in table.sweep.axes]
    values = [table.values(name) for name in kept]
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*axes, *kept, *extra])
        for i in range(len(table)):
            ends = (table.statuses[i], table.problems.get(i, ""))
            writer.writerow([*_axis_texts(table, i), *(_text(column[i]) for column in values), *ends])
    return Written((*axes, *kept, *extra), tuple(name for name in table.columns if name not in kept))


def problem_columns(table: SweepTable) -> tuple[str, str]:
    """What the columns of statuses and problems are called: so, or with `_` behind if a result has the name."""
    taken = {*table.columns, *(axis.name for axis in table.sweep.axes)}
    return _free("status", taken), _free("problem", taken)


def stacked(values: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """The values along a new first axis; None where one is missing, is no plain value, or they do not fit together."""
    if not values or not all(isinstance(value, (*_PLAIN, np.ndarray)) for value in values):
        return None
    arrays = [np.asarray(value) for value in values]
    first = arrays[0]
    for array in arrays:
        # Texts of other lengths have other dtypes; numbers of another kind must not be converted behind one's back.
        alike = array.dtype == first.dtype or array.dtype.kind == first.dtype.kind == "U"
        if array.dtype.hasobject or array.shape != first.shape or not alike:
            return None
    return np.stack(arrays)


def _columns(table: SweepTable) -> Iterator[tuple[str, list[tuple[str, np.ndarray[Any, Any]]]]]:
    """For each column what is written of it, made when its turn comes: one stack is in memory at a time."""
    for axis in table.sweep.axes:
        values = stacked(axis.values)
        yield axis.name, _single(axis.name, axis.values, axis.labels) if values is None else [(axis.name, values)]
    for name, column in table.columns.items():
        yield name, _on_the_grid(table, column) or _one_by_one(table, column)


def _on_the_grid(table: SweepTable, column: Column) -> list[tuple[str, np.ndarray[Any, Any]]]:
    values = table.by_instance(column)
    there = np.array([value is not None for value in values])
    present = stacked([value for value in values if value is not None])
    if present is None:
        return []
    axes = table.sweep.depends_on(column.cell)
    sizes = tuple(len(axis) for axis in axes)
    found = [(f"{column.name}.axes", np.array([axis.name for axis in axes], dtype="U"))]
    if not there.all():
        whole = np.zeros((len(values), *present.shape[1:]), dtype=present.dtype)
        if present.dtype.kind in "fc":
            whole[~there] = np.nan
        whole[there], present = present, whole
        found.append((f"{column.name}.ok", there.reshape(sizes)))
    return [(column.name, present.reshape(sizes + present.shape[1:])), *found]


def _one_by_one(table: SweepTable, column: Column) -> list[tuple[str, np.ndarray[Any, Any]]]:
    instances = table.sweep.instances(column.cell)
    labels = [name.removeprefix(column.cell).strip("[]") for name in instances]
    return _single(column.name, table.by_instance(column), labels)


def _single(name: str, values: Sequence[Any], labels: Sequence[str]) -> list[tuple[str, np.ndarray[Any, Any]]]:
    pairs = zip(labels, values, strict=True)
    return [(f"{name}[{label}]", whole[0]) for label, value in pairs if (whole := stacked([value])) is not None]


def _fits_a_line(value: Any) -> bool:
    return value is None or (isinstance(value, _PLAIN) and not isinstance(value, np.void))


def _axis_texts(table: SweepTable, point: int) -> Iterator[Any]:
    for axis, place in zip(table.sweep.axes, table.sweep.points.places(point), strict=True):
        value = axis.values[place]
        yield _text(value) if _fits_a_line(value) else axis.labels[place]


def _text(value: Any) -> Any:
    """What csv writes as it stands. NumPy's scalars as Python's, whose texts are the shortest that read back."""
    return value.item() if isinstance(value, np.generic) else value


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
