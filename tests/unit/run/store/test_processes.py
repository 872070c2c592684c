"""Several processes record into one store at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hotplate.run.store import RunState, RunStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.run.store import Recording

RUNS, CELLS = 3, 40
CODE = f"""
import sys
from pathlib import Path
import numpy as np
from hotplate.execute import OutcomeKind
from hotplate.run.state import Trace
from hotplate.run.store import RunDescription, RunState, RunStore

with RunStore.open(Path(sys.argv[1]), {{"HOTPLATE_RUNS_SIZE": "60k"}}) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for run in range({RUNS}):
        cells = [f"c{{i}}" for i in range({CELLS})]
        recording = store.begin(RunDescription(f"{{sys.argv[2]}}{{run:011}}", "x.c"), cells)
        for i, cell in enumerate(cells):
            recording.begun(cell, 1)
            value = np.arange(1000.0) + i % 10  # of which the other process has the same
            recording.finished(cell, OutcomeKind.OK, value=value, trace=Trace("0" * 32, (("x", f"{{i:032}}"),)))
            if i % 8 == 0:
                recording.flush()
        recording.end(RunState.DONE)
        assert recording.error is None, recording.error
"""


def test_two_processes_record_at_once_and_share_files_that_either_may_remove(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    both = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        for name in "ab"
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    with RunStore.open(tmp_path) as store:
        runs = store.runs()
        assert [run.state for run in runs] == [RunState.DONE] * 2 * RUNS
        assert [run.outcomes for run in runs] == [{"ok": CELLS}] * 2 * RUNS
        for i, result in enumerate(store.find_run(runs[0].id).results.values()):
            found = store.load(result.value)
            assert found is None or (found.value == np.arange(1000.0) + i % 10).all()


# The bytes of a database of which SQLite locks one for each reader (sqlite.org/src/file/src/os.h, SHARED_FIRST).
LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
    except OSError:
        print("in use")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="closing a file frees locks on POSIX only")
def test_other_processes_see_that_the_database_is_in_use_while_it_is_written_to(
    store: RunStore, begin: Callable[..., Recording]
) -> None:
    """Else one with an older SQLite takes itself for the last user, and removes the journal that has the rows."""
    recording = begin()
    recording.flush()
    with RunStore.open(store.folder):
        pass
    told = subprocess.check_output([sys.executable, "-c", LOCK, str(store.folder / "runs.db")], text=True)
    assert told == "in use\n"
    recording.end(RunState.DONE)
