"""A sweep's results as an Arrow table, for whoever has pyarrow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hotplate.errors import SettingError
from hotplate.run.sweep.files import Written, problem_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

    from hotplate.run.sweep.table import SweepTable

__all__ = ["as_arrow", "write_feather"]

_KINDS = "biufU"  # Arrow has no complex numbers, and a struct's layout is not Arrow's


def as_arrow(table: SweepTable) -> pa.Table:
    """A row for each point: axes, results, `status` and `problem`; null where a point has no result.

    An array is a list; one of several axes is flattened in C order, and `NAME.shape` has its shape. What Arrow has no
    type for (complex numbers, structs, other objects) is left out, and named under `left_out` in the schema's metadata.

    Raises SettingError without pyarrow.
    """
    arrow = _pyarrow()
    columns: dict[str, Any] = {}
    left_out = []
    for name in (*(axis.name for axis in table.sweep.axes), *table.columns):
        found = dict(_columns(arrow, name, table.values(name)))
        if not found:
            left_out.append(name)
        columns |= found
    status, problem = problem_columns(table)
    columns[status] = arrow.array(list(table.statuses))
    columns[problem] = arrow.array([table.problems.get(i) for i in range(len(table))], type=arrow.string())
    whole = arrow.table(columns)
    return whole.replace_schema_metadata({"left_out": json.dumps(left_out)}) if left_out else whole


def write_feather(table: SweepTable, path: str | Path) -> Written:
    """Writes the Arrow table to a Feather file. Raises SettingError without pyarrow."""
    whole = as_arrow(table)
    from pyarrow import feather

    feather.write_feather(whole, str(path))
    left_out = json.loads((whole.schema.metadata or {}).get(b"left_out", b"[]"))
    return Written(tuple(whole.column_names), tuple(left_out))


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        way_out = "install it with `pip install hotplate[arrow]`, or write .npz or .csv"
        raise SettingError(f"an Arrow table takes pyarrow, which can't be imported ({error}); {way_out}") from error
    return pyarrow


def _columns(arrow: Any, name: str, values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """The Arrow columns of one of ours; none where Arrow has no type for it."""
    arrays = [None if value is None else np.asarray(value) for value in values]
    there = [array for array in arrays if array is not None]
    if not there:
        yield name, arrow.nulls(len(values))
        return
    kinds = {array.dtype.kind for array in there}
    if len(kinds) > 1 or not kinds <= set(_KINDS):
        return
    if all(array.ndim == 0 for array in there):
        yield name, arrow.array([None if array is None else array.item() for array in arrays])
        return
    yield name, _lists(arrow, arrays, there)
    if any(array.ndim > 1 for array in there):
        yield f"{name}.shape", arrow.array([None if array is None else list(array.shape) for array in arrays])


def _lists(arrow: Any, arrays: Sequence[np.ndarray[Any, Any] | None], there: Sequence[np.ndarray[Any, Any]]) -> Any:
    """A list for each array, over one buffer with all elements."""
    lengths = [0 if array is None else array.size for array in arrays]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    missing = arrow.array([array is None for array in arrays])
    elements = arrow.array(np.concatenate([array.reshape(-1) for array in there]))
    return arrow.LargeListArray.from_arrays(offsets, elements, mask=missing)
