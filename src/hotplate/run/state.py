"""StateManager: the results that a session keeps, and the memory of its cells."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hotplate.frozen import quickly_made
from hotplate.load import StateBlock
from hotplate.values import digest, result_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

HISTORY = 8
"""How many results before the latest are kept of a cell."""
HISTORY_BYTES = 1 << 28
"""How much memory they may hold, over all cells."""

_ENTRY = 1 << 10
"""What a result takes besides its contents, about."""

_OWN = "output "
"""What the name of a result's content begins with; a given value's is its digest, or begins with UNIQUE."""
UNIQUE = "unique "
"""What the name of a content begins with that can't be told, so that no other value has it."""

_serial = itertools.count(1)


class Trace(NamedTuple):
    """Everything that a result depends on, as in Mokhov, Mitchell, Peyton Jones, "Build Systems à la Carte" (2018)."""

    key: str
    """The build key, or the identity of a Python function."""
    inputs: tuple[tuple[str, str], ...]
    """For each parameter, the content that it was given."""


@quickly_made
@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """One result of a cell."""

    trace: Trace
    contents: Mapping[str | None, str]
    """Names what the value holds, under None, and each of its fields: results with equal bytes have equal names."""
    value: Any
    seconds: float
    version: int
    """The version of the notebook that computed it."""
    draft: bool = False
    """Whether a draft of the cell computed it; nobody goes back to it once another is the latest."""
    fingerprint: str | None = None
    """What the Python function was that computed it; see Task.recorded_key. None: nobody asked, or nobody can tell."""


class StateManager:
    """The results of each cell, and each cell's hp_state block. Thread-safe.

    A result is valid for exactly one trace, so whoever asks with another trace gets nothing: a stale result is never
    handed out as a current one. Some results before the latest are kept, so that an edit that is taken back finds them.
    """

    def __init__(self, history: int = HISTORY, history_bytes: int = HISTORY_BYTES) -> None:
        self._latest: dict[str, Output] = {}
        self._older = _Older(history, history_bytes)
        self._digests: dict[str, str] = {}
        """By content; of those that were compared once."""
        self._blocks: dict[str, StateBlock] = {}
        self._proven: dict[str, str] = {}
        """By cell, the key of the code that delivered last."""
        self._lock = threading.Lock()

    # ---- results ----

    def find(self, cell: str, trace: Trace) -> Output | None:
        """The result of the cell that was computed under this trace; it is the latest from now on."""
        latest = self._latest.get(cell)
        if latest is not None and latest.trace == trace:
            return latest
        with self._lock:
            found = self._older.take(cell, trace)
            if found is not None:
                self._replace(cell, found)
        return found

    def latest(self, cell: str) -> Output | None:
        """The last result of the cell, whatever it was computed from."""
        return self._latest.get(cell)

    def seconds(self, cells: Iterable[str]) -> dict[str, float]:
        """What computing the last results of these cells took; of those that have one."""
        latest = self._latest
        return {cell: output.seconds for cell in cells if (output := latest.get(cell)) is not None}

    def keep(
        self,
        cell: str,
        trace: Trace,
        value: Any,
        seconds: float = 0.0,
        version: int = 0,
        *,
        draft: bool = False,
        fingerprint: str | None = None,
    ) -> Output:
        """Makes a value the cell's latest result; where its bytes are an earlier one's, so is its content."""
        with self._lock:
            latest = self._latest.get(cell)
            older = self._older.of(cell)
            earlier = older if latest is None else (*older, latest)
            output = Output(trace, self._contents(earlier, value), value, seconds, version, draft, fingerprint)
            if older:
                self._older.take(cell, trace)
            self._replace(cell, output)
            self._proven[cell] = trace.key
        return output

    def digest_of(self, content: str, value: Callable[[], Any]) -> str | None:
        """A hash of what a content's name stands for, which `value` gives; None where it can't be told.

        Means the same to every process. It is computed once.
        """
        if not content.startswith(_OWN):
            return None if content.startswith(UNIQUE) else content
        known = self._digests.get(content)
        if known is None:
            known = digest(value())
            if known is not None:
                self._digests[content] = known
        return known

    def drop(self, cell: str) -> None:
        """Takes a cell out: it has no latest result and no memory any more. What it computed may be found again."""
        with self._lock:
            if (gone := self._latest.pop(cell, None)) is not None:
                self._retire(cell, gone)
            self._blocks.pop(cell, None)
            self._proven.pop(cell, None)

    def forget(self, cells: Iterable[str]) -> None:
        """Lets go of all results of these cells, which are not found again."""
        with self._lock:
            for cell in cells:
                for gone in filter(None, (self._latest.pop(cell, None), *self._older.drop(cell))):
                    self._forget(gone, ())
                self._proven.pop(cell, None)

    def _replace(self, cell: str, output: Output) -> None:
        before = self._latest.get(cell)
        self._latest[cell] = output
        if before is None or before is output:
            return
        if before.trace != output.trace:
            self._retire(cell, before)
        elif before.contents != output.contents:
            self._forget(before, output.contents.values())

    def _retire(self, cell: str, output: Output) -> None:
        for gone in [output] if output.draft else self._older.put(cell, output):
            self._forget(gone, ())

    def _forget(self, gone: Output, still_used: Collection[str]) -> None:
        for content in gone.contents.values():
            if content not in still_used:
                self._digests.pop(content, None)

    def _contents(self, earlier: Sequence[Output], value: Any) -> dict[str | None, str]:
        if type(value) in _COMPARED:
            return {None: self._compared(earlier, value)}
        fields = result_fields(value)
        if not fields:
            return {None: self._content(earlier, None, value)}
        contents: dict[str | None, str] = {field: self._content(earlier, field, part) for field, part in fields.items()}
        return {**contents, None: " ".join(contents.values())}

    def _compared(self, earlier: Sequence[Output], value: Any) -> str:
        """The content of a value that needs no hash to be told from others of its type."""
        kind = type(value)
        for output in reversed(earlier):
            if type(output.value) is kind and output.value == value:
                return output.contents[None]
        return f"{_OWN}{next(_serial)}"

    def _content(self, earlier: Sequence[Output], field: str | None, part: Any) -> str:
        """Looks at the bytes only when there is an earlier result of the same type and shape."""
        form = _form(part)
        alike: dict[str, Any] = {}
        for output in earlier if form is not None else ():
            if field in output.contents:
                before = output.value if field is None else result_fields(output.value)[field]
                if _form(before) == form:
                    alike[output.contents[field]] = before
        own = digest(part) if alike else None
        for known, before in reversed(alike.items()) if own is not None else ():
            if known not in self._digests:
                self._digests[known] = digest(before) or known
            if self._digests[known] == own:
                return known
        content = f"{_OWN}{next(_serial)}"
        if own is not None:
            self._digests[content] = own
        return content

    # ---- hp_state ----

    def block(self, cell: str) -> StateBlock:
        """The cell's hp_state block; made when first asked for, freed with the last reference to it."""
        with self._lock:
            if cell not in self._blocks:
                self._blocks[cell] = StateBlock()
            return self._blocks[cell]

    def snapshot(self, cell: str, key: str) -> StateBlock | None:
        """A copy of the cell's memory, if the code with this key has never delivered: for `restore` when it fails.

        None when there is nothing to lose, or when a call is using the memory.
        """
        if cell not in self._blocks:
            return None
        with self._lock:
            block = self._blocks.get(cell)
            if block is None or not block.size or self._proven.get(cell) == key:
                return None
            return block.snapshot()

    def restore(self, cell: str, snapshot: StateBlock) -> None:
        """Gives the cell the memory back that it had."""
        self.block(cell).restore(snapshot)

    def rename(self, old: str, new: str) -> None:
        """Gives the memory of a cell to the one that it is called now. What it computed stays with the old name."""
        with self._lock:
            if (block := self._blocks.pop(old, None)) is not None:
                self._blocks[new] = block


class _Older:
    """Results that were the latest once. The ones that nobody asked for longest go first. Callers hold the lock."""

    def __init__(self, per_cell: int, cap_bytes: int) -> None:
        self._per_cell = per_cell
        self._cap_bytes = cap_bytes
        self._by_cell: dict[str, OrderedDict[Trace, Output]] = {}
        self._sizes: OrderedDict[tuple[str, Trace], int] = OrderedDict()
        self._bytes = 0

    def of(self, cell: str) -> tuple[Output, ...]:
        """Those of one cell, oldest first."""
        outputs = self._by_cell.get(cell)
        return tuple(outputs.values()) if outputs else ()

    def take(self, cell: str, trace: Trace) -> Output | None:
        outputs = self._by_cell.get(cell)
        if outputs is None or trace not in outputs:
            return None
        self._bytes -= self._sizes.pop((cell, trace))
        return outputs.pop(trace)

    def drop(self, cell: str) -> list[Output | None]:
        """Takes all of one cell."""
        gone = [self.take(cell, trace) for trace in tuple(self._by_cell.get(cell, {}))]
        self._by_cell.pop(cell, None)
        return gone

    def put(self, cell: str, output: Output) -> list[Output]:
        """Adds one, and returns those that had to go for it; itself, when it is larger than the cap."""
        size = _size(output.value)
        if size > self._cap_bytes:
            return [output]
        gone = [self.take(cell, output.trace)]
        outputs = self._by_cell.setdefault(cell, OrderedDict())
        outputs[output.trace] = output
        self._sizes[cell, output.trace] = size
        self._bytes += size
        if len(outputs) > self._per_cell:
            gone.append(self.take(cell, next(iter(outputs))))
        while self._bytes > self._cap_bytes:
            gone.append(self.take(*next(iter(self._sizes))))
        return [output for output in gone if output is not None]


_COMPARED = frozenset({int, bool, str, bytes, type(None)})
"""Types whose values hold the same when they are equal."""


def _form(value: Any) -> object:
    """What two values must share to be worth comparing; None for one that may have changed since it was kept."""
    if isinstance(value, np.ndarray):
        return (value.dtype, value.shape)
    return None if isinstance(value, (list, dict)) else type(value)


def _size(value: Any) -> int:
    """The bytes that a value keeps in memory, roughly; objects that don't tell count as a few."""
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        return _ENTRY + int(value.nbytes)
    if isinstance(value, dict):
        return _ENTRY + sum(map(_size, value.values()))
    if isinstance(value, (tuple, list)):
        return _ENTRY + sum(map(_size, value))
    return _ENTRY + (len(value) if isinstance(value, (str, bytes)) else 0)
