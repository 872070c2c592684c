"""A notebook that is watched on Windows: the watcher, background builds by tcc, and what can't run."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import hotplate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30.0
CHAIN = "int a(void) { return 1; }\nint b(int a) { return a + 1; }\nint c(int b) { return b + 1; }\n"


def save(path: Path, text: str) -> None:
    """As an editor does: a new file takes the place of the old one, tried again while another program reads that."""
    temporary = path.with_name("~saving")
    temporary.write_text(text, "utf-8")
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            os.replace(temporary, path)  # noqa: PTH105 - what editors call
        except PermissionError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            return


def test_what_is_saved_is_built_swapped_in_and_rerun(notebook: Callable[..., Path]) -> None:
    path = notebook(CHAIN)
    with hotplate.open(path).watch() as live:
        assert live.wait_for(lambda status: status.run is not None and status.run["c"] == 3, PATIENCE), live.status
        save(path, CHAIN.replace("a + 1", "a + 10"))
        assert live.wait_for(lambda status: status.run["c"] == 12, PATIENCE), live.status
        assert live.status.run.cells["a"].status == "kept"
        path.write_text(CHAIN.replace("a + 1", "a + 20"), "utf-8")
        assert live.wait_for(lambda status: status.run["c"] == 22, PATIENCE), live.status


def test_a_text_that_does_not_compile_leaves_the_last_good_version(notebook: Callable[..., Path]) -> None:
    path = notebook(CHAIN)
    with hotplate.open(path).watch() as live:
        assert live.wait_for(lambda status: status.run is not None and status.run["c"] == 3, PATIENCE), live.status
        save(path, CHAIN.replace("a + 1", "a + undeclared"))
        assert live.wait_for(lambda status: status.notice != "", PATIENCE), live.status
        assert live.status.notice == "running v1; the file is newer and does not compile"
        assert live.status.run["c"] == 3
        save(path, CHAIN)
        assert live.wait_for(lambda status: status.notice == "", PATIENCE), live.status


def test_a_file_that_is_watched_by_polling_is_followed_too(notebook: Callable[..., Path]) -> None:
    path = notebook(CHAIN)
    with hotplate.open(path).watch(polling=True) as live:
        assert live.wait_for(lambda status: status.run is not None and status.run["c"] == 3, PATIENCE), live.status
        save(path, CHAIN.replace("a + 1", "a + 10"))
        assert live.wait_for(lambda status: status.run["c"] == 12, PATIENCE), live.status
