"""Builds: compiles in the background, and kills what a newer text makes useless."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.toolchain import Artifact, BuildFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Emitter
    from hotplate.toolchain import Unit
    from hotplate.toolchain.toolchain import Toolchain

Built = Artifact | BuildFailure


@dataclass(eq=False, slots=True)
class _Build:
    unit: Unit
    future: Future[Built]
    cancel: threading.Event

    def failed_elsewhere(self, unit: Unit) -> bool:
        """Whether it failed for an earlier text with the same tokens: then what it was told is on that text's lines."""
        return (
            self.unit is not unit and self.future.exception() is None and isinstance(self.future.result(), BuildFailure)
        )


@dataclass(frozen=True, slots=True)
class Started:
    """What `Builds.start` found, and what it compiles."""

    units: Mapping[str, Unit]
    """By cell."""
    found: Mapping[str, Artifact]
    """What was in the cache, by cell."""
    missing: Mapping[str, Unit]
    """What is being compiled, by unit key."""

    @property
    def cells(self) -> frozenset[str]:
        """The cells that are being compiled."""
        return frozenset(unit.cell for unit in self.missing.values())


class Builds:
    """The compilers that work for a notebook that is being edited.

    One thread asks, any may `wake` it. Each unit is compiled once, however many texts ask for it meanwhile.
    Several of them may share `changed`, which is notified when a compiler is done: one can then wait for another.
    """

    def __init__(self, toolchain: Toolchain, changed: threading.Condition | None = None) -> None:
        self.toolchain = toolchain
        """What is compiled with."""
        self._pool = ThreadPoolExecutor(toolchain.builder.jobs, thread_name_prefix="hotplate-build")
        self._running: dict[str, _Build] = {}
        self._changed = changed or threading.Condition()

    def start(self, units: Sequence[Unit], emitter: Emitter | None = None) -> Started:
        """Compiles units in the background, and returns at once.

        Whatever is being compiled for an earlier call and not among these units is killed. Raises ToolchainError.
        """
        builder = self.toolchain.builder
        hash_of = builder.cache.hashes.at_once()
        found = {unit.cell: artifact for unit in units if (artifact := builder.find(unit, hash_of))}
        missing = {builder.unit_key(unit): unit for unit in units if unit.cell not in found}
        self._kill_all_but(missing)
        for key, unit in missing.items():
            if key not in self._running:
                self._running[key] = self._submit(unit, emitter)
        return Started({unit.cell: unit for unit in units}, found, missing)

    def is_done(self, started: Started) -> bool:
        """Whether everything is there, well compiled or not."""
        return all(self._running[key].future.done() for key in started.missing)

    def finish(
        self, started: Started, emitter: Emitter | None, given_up: Callable[[], bool]
    ) -> dict[str, Built] | None:
        """The libraries, by cell; None when `given_up` became true before all were there.

        After None, what is being compiled goes on: the next `start` may want it. Raises ToolchainError, CacheError.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: given_up() or self.is_done(started))
            if given_up():
                return None
            misplaced = [key for key, unit in started.missing.items() if self._running[key].failed_elsewhere(unit)]
            if not misplaced:
                break
            for key in misplaced:
                self._running[key] = self._submit(started.missing[key], emitter)
        built = {unit.cell: self._running.pop(key).future.result() for key, unit in started.missing.items()}
        return {cell: started.found.get(cell) or built[cell] for cell in started.units}

    def wake(self) -> None:
        """Lets a `finish` under way look at its `given_up` again. Any thread."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Kills every compiler and waits until it is gone."""
        self._kill_all_but(())
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, unit: Unit, emitter: Emitter | None) -> _Build:
        cancel = threading.Event()
        future = self._pool.submit(lambda: self.toolchain.build_all([unit], emitter, cancel)[unit.cell])
        future.add_done_callback(lambda _: self.wake())
        return _Build(unit, future, cancel)

    def _kill_all_but(self, wanted: Collection[str]) -> None:
        for key in [key for key in self._running if key not in wanted]:
            build = self._running.pop(key)
            build.cancel.set()
            build.future.cancel()


def libraries(built: Mapping[str, Built], names: Iterable[str]) -> Iterator[Path]:
    """Where the libraries of cells are, of those that have one."""
    for name in names:
        if isinstance(result := built[name], Artifact):
            yield result.library


def findings(built: Iterable[Built]) -> Iterator[Diagnostic]:
    """What compilers had to say."""
    for result in built:
        yield from result.warnings if isinstance(result, Artifact) else result.diagnostics
