"""Builds: compiles in the background, and kills what a newer text makes useless."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.toolchain import Artifact, BuildFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from hotplate.events import Emitter
    from hotplate.toolchain import Unit
    from hotplate.toolchain.toolchain import Toolchain

Built = Artifact | BuildFailure


@dataclass(eq=False, slots=True)
class _Build:
    unit: Unit
    future: Future[Built]
    cancel: threading.Event


class Builds:
    """The compilers that work for a notebook that is being edited.

    One thread asks, any may `wake` it. Each unit is compiled once, however many texts ask for it meanwhile.
    """

    def __init__(self, toolchain: Toolchain) -> None:
        self._toolchain = toolchain
        self._pool = ThreadPoolExecutor(toolchain.builder.jobs, thread_name_prefix="hotplate-build")
        self._running: dict[str, _Build] = {}
        self._changed = threading.Condition()

    def build(self, units: Sequence[Unit], emitter: Emitter, given_up: Callable[[], bool]) -> dict[str, Built] | None:
        """The libraries of units, by cell; None when `given_up` became true before all were there.

        Whatever is being compiled for an earlier call and not among these units is killed. After None, what is being
        compiled goes on: the next call may want it. Raises ToolchainError, CacheError.
        """
        builder = self._toolchain.builder
        hash_of = builder.cache.hashes.at_once()
        found = {unit.cell: builder.find(unit, hash_of) for unit in units}
        missing = {builder.unit_key(unit): unit for unit in units if found[unit.cell] is None}
        self._kill_all_but(missing)
        for key, unit in missing.items():
            if key not in self._running:
                self._running[key] = self._start(unit, emitter)
        with self._changed:
            self._changed.wait_for(lambda: given_up() or all(self._running[key].future.done() for key in missing))
        if given_up():
            return None
        built = {unit.cell: self._collect(key, unit, emitter) for key, unit in missing.items()}
        return {cell: artifact or built[cell] for cell, artifact in found.items()}

    def wake(self) -> None:
        """Lets a `build` under way look at its `given_up` again. Any thread."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Kills every compiler and waits until it is gone."""
        self._kill_all_but(())
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, unit: Unit, emitter: Emitter) -> _Build:
        cancel = threading.Event()
        future = self._pool.submit(lambda: self._toolchain.build_all([unit], emitter, cancel)[unit.cell])
        future.add_done_callback(lambda _: self.wake())
        return _Build(unit, future, cancel)

    def _collect(self, key: str, unit: Unit, emitter: Emitter) -> Built:
        build = self._running.pop(key)
        result = build.future.result()
        if isinstance(result, BuildFailure) and build.unit is not unit:
            # What an earlier text with the same tokens was told is told on that text's lines.
            return self._toolchain.build_all([unit], emitter)[unit.cell]
        return result

    def _kill_all_but(self, wanted: Collection[str]) -> None:
        for key in [key for key in self._running if key not in wanted]:
            build = self._running.pop(key)
            build.cancel.set()
            build.future.cancel()
