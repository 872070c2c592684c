"""`hotplate run` in a real terminal: what isolated cells print, and what is drawn meanwhile."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_watch_terminal import PROMPT, Pane, pane, terminal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["pane", "terminal"]

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux to look through")

TALKER = """\
#include <hotplate.h>
#include <stdio.h>
#include <unistd.h>
// %% T isolate
int talks(hp_ctx *ctx) {
    for (int i = 0; i < 60; i++) {
        hp_progress(ctx, i, 60);
        printf("line %d\\n", i);
        printf("half of");
        fflush(stdout);
        usleep(20000);
        printf(" %d\\n", i);
        fprintf(stderr, "err %d\\n", i);
    }
    printf("without an end");
    return 1;
}
"""


def test_what_isolated_cells_print_goes_past_above_what_is_drawn(pane: Pane, tmp_path: Path) -> None:
    path = tmp_path / "talker.c"
    path.write_text(TALKER)
    pane.line(f"clear; {shlex.join([sys.executable, '-m', 'hotplate', 'run', str(path), '--no-record'])}")
    pane.wait_for(r"^running talks .* \d+/60")
    pane.wait_for(r"1 of 1 cells in")
    shown = pane.wait_for(PROMPT)
    history = pane.history()
    # Before anything is drawn the streams go to the terminal as they are, and may share a line there.
    for pattern in (r"^line (\d+)$", r"^half of (\d+)$", r"^err (\d+)$"):
        assert re.findall(pattern, history, re.MULTILINE)[-40:] == [str(i) for i in range(20, 60)]
    assert "running" not in history
    assert "\nwithout an end\n" in shown
