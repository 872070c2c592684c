"""Reloading while a cell is being called: versions are built, swapped, unloaded and removed under it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import hotplate
from hotplate import _platform
from hotplate.load import library_report, reclaim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.load import LoadedCell

VERSIONS = 12


def text_of(version: int) -> str:
    loop = f"for (int64_t i = 0; i < n; i++) sum += {version};"
    return f"#include <stdint.h>\nint64_t probe(int64_t n) {{ int64_t sum = 0; {loop} return sum; }}\n"


class Caller(threading.Thread):
    """Calls the current version all the time and keeps what it returned."""

    def __init__(self, cell: LoadedCell) -> None:
        super().__init__(name="caller")
        self.cell = cell
        self.seen: list[int] = []
        self.calls = 0
        self.over = False
        self.turned = threading.Event()

    def run(self) -> None:
        while not self.over:
            value = self.cell(1000) // 1000
            self.calls += 1
            if not self.seen or self.seen[-1] != value:
                self.seen.append(value)
            self.turned.set()

    def swap(self, cell: LoadedCell) -> LoadedCell:
        """Gives it a new version, waits until it was called, and returns the old one."""
        old, self.cell = self.cell, cell
        for _ in range(2):  # the first call to end may have begun with the old one
            self.turned.clear()
            assert self.turned.wait(30)
        return old


def test_versions_are_swapped_while_another_thread_calls_them(notebook: Callable[..., Path], empty_cache: Path) -> None:
    path = notebook(text_of(1))
    nb = hotplate.open(path)
    before = library_report()
    caller = Caller(nb.load("probe"))
    caller.start()
    try:
        for version in range(2, VERSIONS + 1):
            path.write_text(text_of(version))
            old = caller.swap(nb.load("probe"))
            old.close()
            reclaim()
            assert _platform.retire_file(old.path)
            assert not old.path.exists()
    finally:
        caller.over = True
        caller.join()
    assert caller.seen == list(range(1, VERSIONS + 1))
    assert caller.calls > VERSIONS
    caller.cell.close()
    reclaim()
    after = library_report()
    assert after.unloaded - before.unloaded == VERSIONS
    for folder in {product.parent for product in (empty_cache / "artifacts").rglob("*") if product.is_file()}:
        _platform.sweep_stale(folder)
    left = [product for product in (empty_cache / "artifacts").rglob("*.dll*") if product != caller.cell.path]
    assert left == []
