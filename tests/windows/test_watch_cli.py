"""`hotplate watch` on Windows: the lines for programs, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CELLS = "int n(void) { return 4; }\nint twice(int n) { return 2 * n; }\n"
# Wine has no console here that Ctrl-C could be pressed in; the C runtime is asked for the same signal.
PROGRAM = """
import os, signal, threading, time
def interrupt():
    while not os.path.exists("enough"):
        time.sleep(0.05)
    signal.raise_signal(signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
from hotplate.__main__ import main
main()
"""


def events_until(process: subprocess.Popen[str], kind: str) -> Iterator[dict[str, Any]]:
    assert process.stdout
    for line in process.stdout:
        event = json.loads(line)
        yield event
        if event["kind"] == kind:
            return


def test_a_save_is_followed_and_ctrl_c_ends_it(notebook: Callable[..., Path]) -> None:
    path = notebook(CELLS)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PROGRAM, "watch", str(path), "--json"]
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=environ, cwd=path.parent, encoding="utf-8", **pipes)
    try:
        assert next(events_until(process, "run_done"))["kind"] == "hello"
        list(events_until(process, "run_done"))
        path.write_text(CELLS.replace("4", "5"), "utf-8")
        results = {
            e["cell"]: e["data"]["result"] for e in events_until(process, "run_done") if e["kind"] == "cell_done"
        }
        assert results["twice"]["results"][0]["value"] == 10
        (path.parent / "enough").touch()
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "hotplate: interrupted\n")
    finally:
        process.kill()
        process.communicate()


def test_what_consoles_need_can_be_asked_for() -> None:
    code = (
        "from hotplate.cli.live.keys_windows import WindowsKeyboard\n"
        "from hotplate.cli.live.terminal import Screen\n"
        "screen = Screen(2); print(screen.size()); screen.write(b'drawn'); screen.close()\n"
        "keys = WindowsKeyboard(print); keys.take(); keys.give_back(); keys.close()"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False)
    assert (done.stdout, done.stderr) == ("(80, 24)\n", "drawn"), "a pipe is no console, and has a size to draw with"
