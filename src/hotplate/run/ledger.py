"""Ledger: what each value of a run holds, and which earlier results hold because of that."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from hotplate.run.state import UNIQUE, Output, StateManager, Trace
from hotplate.values import digest, result_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hotplate.run.memory import Memory
    from hotplate.run.task import Task
    from hotplate.run.version import Version

_unique = itertools.count()


class Found(NamedTuple):
    """An earlier result that holds."""

    output: Output
    reason: str
    recorded: Trace | None = None
    """The trace that it is recorded under, where that is not the one that it was asked for under."""
    forced: bool = False
    """Whether it was computed from something else, and is taken all the same."""


class Ledger:
    """The contents of a run's values, by name; used once. Thread-safe as far as a name has one writer."""

    def __init__(
        self,
        version: Version,
        given: Mapping[str, Any],
        state: StateManager,
        *,
        fresh: bool = False,
        memory: Memory | None = None,
        records: bool = False,
    ) -> None:
        """`fresh`: no earlier result counts. `memory` is asked for what the session itself does not have.

        `records`: it will be asked for recorded traces.
        """
        self._version = version
        self._wiring = version.graph.wiring
        self._tasks = version.tasks
        self._given = given
        self._state = state
        self._fresh = fresh
        self._memory = memory
        self._records = records
        self._fingerprints: dict[str, str | None] = {}
        """What the Python functions were that computed the cells: what they refer to may be another thing now."""
        self._contents: dict[str, Mapping[str | None, str]] = {}
        """What each computed cell and each given value holds, by name; see Output."""
        self._told: dict[str, dict[str | None, str]] = {}
        """What the results that have been recorded hold, in words that mean the same to every process."""
        self._computed: set[str] = set()
        """The cells that were not kept."""
        for name, value in given.items():
            contents: dict[str | None, str] = {None: _content_of(value)}
            contents |= {field: _content_of(part) for field, part in result_fields(value).items()}
            self._contents[name] = contents

    def is_ready(self, name: str) -> bool:
        """Whether all that a cell takes is known."""
        for source in self._version.graph.dependencies(name):  # noqa: SIM110 - all() takes 0.4 µs more for each cell
            if source not in self._contents:
                return False
        return True

    def trace(self, name: str) -> Trace:
        """Everything that the result depends on: the cell's key, and by parameter what it is given."""
        task = self._tasks[name]
        if self._records and task.language == "python":
            self._fingerprints[name] = task.recorded_key
        return Trace(task.key, self._inputs(name, self._content))

    def recorded_trace(self, name: str, values: Callable[[str], Any]) -> Trace | None:
        """The same in words that mean the same to every process; None where some input's content can't be told.

        `values` gives the value of a cell by name.
        """
        key = self._fingerprints[name] if name in self._fingerprints else self._tasks[name].recorded_key
        inputs = self._inputs(name, lambda source, field: self._digest(source, field, values))
        unknown = [parameter for parameter, content in inputs if content is None]
        return Trace(key, inputs) if key and not unknown else None

    def _digest(self, source: str, field: str | None, values: Callable[[str], Any]) -> str | None:
        if (told := self._told.get(source)) is not None and field in told:
            return told[field]
        contents = self._contents[source]
        if field is None and len(contents) > 1:  # a named tuple is what its fields are
            parts = [self._digest(source, part, values) for part in contents if part is not None]
            return " ".join(filter(None, parts)) if all(parts) else None
        known = self._content(source, field)
        return self._state.digest_of(known, lambda: _part(values(source), field))

    def find(self, name: str, trace: Trace, values: Callable[[str], Any]) -> Found | None:
        """The earlier result that holds under this trace."""
        if self._fresh:
            return None
        task = self._tasks[name]
        if task.attributes.impure and self._memory is None:
            return None
        if not task.attributes.impure:
            latest = self._state.latest(name)
            stored = self._state.find(name, trace)
            if stored is not None:
                if name in self._fingerprints:
                    self._fingerprints[name] = stored.fingerprint
                return Found(stored, self._why_kept(name) if stored is latest else f"as in v{stored.version}")
        return self._recall(name, trace, values)

    def _recall(self, name: str, trace: Trace, values: Callable[[str], Any]) -> Found | None:
        if self._memory is None:
            return None
        recalled = self._memory.recall(self._tasks[name], self.recorded_trace(name, values))
        if recalled is None:
            return None
        if recalled.holds:
            output = self._state.keep(
                name, trace, recalled.value, recalled.seconds, self._version.number,
                fingerprint=self._fingerprints.get(name),
            )  # fmt: skip
            return Found(output, f"as in run {recalled.run}")
        # Kept under a trace that nobody asks for again: it is what the cell gives in this run, and in no other.
        nobodys = Trace(f"{UNIQUE}{next(_unique)}", ())
        output = self._state.keep(name, nobodys, recalled.value, recalled.seconds, self._version.number)
        return Found(output, f"as in run {recalled.run}, by force", recalled.trace, forced=True)

    def recorded_contents(self, name: str, values: Callable[[str], Any]) -> dict[str | None, str]:
        """What a cell's result holds, in such words, for later cells too; nothing where that can't be told."""
        told: dict[str | None, str] = {}
        for field in self._contents[name]:
            if (content := self._digest(name, field, values)) is not None:
                told[field] = content
        self._told[name] = told
        return told

    def adopt(self, name: str, output: Output) -> None:
        """Takes an earlier result as the cell's."""
        self._contents[name] = output.contents

    def keep(self, task: Task, trace: Trace, value: Any, seconds: float) -> None:
        """Takes a new result as the cell's, for later runs too."""
        name = task.name
        output = self._state.keep(
            name, trace, value, seconds, self._version.number, draft=name in self._version.drafts,
            fingerprint=self._fingerprints.get(name),
        )  # fmt: skip
        self._contents[name] = output.contents

    def reason(self, task: Task, trace: Trace, values: Callable[[str], Any]) -> str:
        """Why a cell was computed, for people; to be asked before its result is kept."""
        self._computed.add(task.name)
        before = self._state.latest(task.name)
        if before is None:
            if self._memory is None:
                return "new"
            return self._memory.why(task, self.recorded_trace(task.name, values)) or "new"
        if before.trace.key != trace.key:
            return "edited"
        if before.trace != trace:
            changed = [name for name, content in trace.inputs if (name, content) not in before.trace.inputs]
            if changed:
                return f"{', '.join(changed)} changed"
        return "impure" if task.attributes.impure else "asked for"

    # ---- what is in a value ----

    def _inputs(self, name: str, content: Callable[[str, str | None], Any]) -> tuple[tuple[str, Any], ...]:
        given = self._given
        inputs = []
        for parameter, source in self._wiring[name]:
            if source is not None:
                inputs.append((parameter, content(source.cell, source.field)))
            elif parameter in given:
                inputs.append((parameter, content(parameter, None)))
        return tuple(inputs)

    def _content(self, source: str, field: str | None) -> str:
        contents = self._contents[source]
        return contents.get(field) or contents[None]

    def _why_kept(self, name: str) -> str:
        rerun = [source for source in self._version.graph.dependencies(name) if source in self._computed]
        return f"{', '.join(rerun)} gave the same bytes" if rerun else "up to date"


def _content_of(value: Any) -> str:
    """A name that no other content has; for an object whose content can't be told, one that no other value has."""
    return digest(value) or f"{UNIQUE}{next(_unique)}"


def _part(value: Any, field: str | None) -> Any:
    return value if field is None else result_fields(value)[field]
