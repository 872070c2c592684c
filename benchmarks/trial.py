"""Trial: one recorded run of the command line in a store of its own, which is killed, resumed and judged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.kills import Wrong, settled
from hotplate.run.store import RunState, RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotplate.run.store import RunRecord


class Load(NamedTuple):
    """A notebook, and whether its cells say that they are executed."""

    path: Path
    logs: bool
    cells: int


class Trial:
    """One run in a store of its own, until it is done."""

    def __init__(self, load: Load, executor: str, folder: Path, *, cold: bool = False) -> None:
        self._load = load
        self._executor = executor
        self.runs, self.log, self._result = folder / "runs", folder / "log", folder / "result.npz"
        self._temporary, self._copy = folder / "tmp", folder / "copy"
        self.ended = False
        """Whether the last process came to its end."""
        for made in (self.log, self._temporary):
            made.mkdir(parents=True)
        self._environ = {**os.environ, "HOTPLATE_RUNS_DIR": str(self.runs), "TMPDIR": str(self._temporary)}
        if cold:
            self._environ["HOTPLATE_CACHE_DIR"] = str(folder / "cache")

    def make(self, run: str = "", kill_after: float | None = None) -> bool:
        """Starts the run, or goes on with it, and returns whether it was killed before it had ended.

        Raises Wrong when it ends in another way, or leaves something behind.
        """
        pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True}
        with subprocess.Popen(self._command(run), env=self._environ, **pipes) as process:
            try:
                _, errors = process.communicate(timeout=300 if kill_after is None else kill_after)
                killed = False
            except subprocess.TimeoutExpired:
                process.kill()
                _, errors = process.communicate()
                killed = True
        if not killed and process.returncode:
            raise Wrong(f"{self._executor}: run {run or 'anew'} failed: {errors.decode()}")
        self.ended = not killed
        if killed and kill_after is None:
            raise Wrong(f"{self._executor}: run {run or 'anew'} does not end")
        self._look_for_processes(process.pid)
        return killed

    def _command(self, run: str) -> list[str]:
        begin = ["resume", run] if run else ["run", str(self._load.path)]
        given = ["--set", f"log={self.log}"] if self._load.logs and not run else []
        options = ["--executor", self._executor, "--save", str(self._result)]
        return [sys.executable, "-m", "hotplate", *begin, *given, *options]

    def _look_for_processes(self, session: int) -> None:
        if left := settled(lambda: list(living(session)), []):
            raise Wrong(f"processes are left behind: {left}")

    def begin_anew(self) -> None:
        """Forgets what was executed by a run of which nothing was recorded."""
        for path in self.log.iterdir():
            path.unlink()

    def record(self) -> RunRecord | None:
        """The newest run, as a process would find it that opens the store now; None where there is none."""
        if not (self.runs / "runs.db").exists():
            return None
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.runs, self._copy, ignore=shutil.ignore_patterns("artifacts"))
        with RunStore.open(self._copy) as store:
            found = store.runs(limit=1)
            return store.find_run(found[0].id) if found else None

    def judge(self, right: Mapping[str, bytes]) -> RunRecord:
        """What was recorded in the end. Raises Wrong for what is not as it must be."""
        with RunStore.open(self.runs) as store:
            record = store.find_run(store.runs(limit=1)[0].id)
            must(record.summary.state is RunState.DONE, f"it ended as {record.summary.state}: {record.summary.problem}")
            must(len(record.results) == len(record.cells) == self._load.cells, "a cell has no result, or more than one")
            must(all(cell.status == "ok" for cell in record.results.values()), "a result is not ok")
            sequence = [event.sequence for event in store.events(record.id)]
            must(sequence == sorted(set(sequence)), f"the events are numbered {sequence}")
            found = self.values()
            must(found == right, f"other values: {[name for name in right if found.get(name) != right[name]]}")
        self._look_for_files()
        return record

    def values(self) -> dict[str, bytes]:
        """What is recorded of the newest run."""
        with RunStore.open(self.runs) as store:
            record = store.find_run(store.runs(limit=1)[0].id)
            loaded = {name: store.load(cell.value) for name, cell in record.results.items()}
        return {name: flat(kept.value) for name, kept in loaded.items() if kept is not None}

    def saved(self) -> dict[str, bytes]:
        """What the last process wrote for its user."""
        with np.load(self._result) as arrays:
            return {name: flat(array) for name, array in arrays.items()}

    def _look_for_files(self) -> None:
        left = [path for name in ("tallies", "tmp") for path in (self.runs / name).iterdir()]
        with RunStore.open(self.runs) as store:
            known = {name for (name,) in store._connection.execute("SELECT name FROM artifact")}
            left += [path for path in (self.runs / "artifacts").glob("*/*") if path.name not in known]
        left += self._temporary.iterdir()
        must(not left, f"files are left behind: {', '.join(map(str, left))}")


def living(session: int) -> Iterator[int]:
    """The processes of a session, but for dead ones: some systems take away orphans only every second."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, own, *_ = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
            if int(own) == session and state not in "ZX":
                yield int(folder.name)


def must(so: object, otherwise: str) -> None:
    """Raises Wrong if something is not so."""
    if not so:
        raise Wrong(otherwise)


def flat(value: object) -> bytes:
    """What a result holds, with its kinds and shapes."""
    if isinstance(value, tuple):
        return b"|".join(map(flat, value))
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str}{value.shape}".encode() + value.tobytes()
    return repr(value).encode()
