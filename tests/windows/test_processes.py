"""Process trees that end with who started them, and Ctrl-C, which reaches native code."""

from __future__ import annotations

import ctypes
import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from tests.windows.consoles import start

if TYPE_CHECKING:
    from pathlib import Path

LOOP = """
    #include <hotplate.h>
    long long forever(hp_ctx *ctx) { long long n = 0; while (!hp_check(ctx)) n++; return n; }
"""
PRESS = "threading.Timer(0.5, ctypes.windll.kernel32.GenerateConsoleCtrlEvent, (0, 0)).start()"


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and the output of a process, which is killed if it does not end by itself."""
    with process:
        try:
            output, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, output


def ends_within(process: int, seconds: float) -> bool:
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(0x00100000, False, process)  # SYNCHRONIZE
    if not handle:
        return True
    ended = kernel.WaitForSingleObject(handle, int(seconds * 1000)) == 0
    kernel.CloseHandle(handle)
    return ended


def test_a_compiler_ends_with_the_process_that_started_it() -> None:
    code = """
        import sys, time; from hotplate import _platform
        process = _platform.spawn([sys.executable, "-c", "import time; time.sleep(600)"])
        print(process.pid, flush=True); time.sleep(600)
    """
    with start(code) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert not ends_within(child, 0)
        parent.kill()
    assert ends_within(child, 20)


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    from hotplate import _platform

    with pytest.raises(FileNotFoundError):
        _platform.spawn(["no-such-program"])


@pytest.mark.parametrize("call", ["nb.run()", "nb.load('forever')()"])
def test_ctrl_c_stops_a_cell_that_polls(tmp_path: Path, call: str) -> None:
    notebook = tmp_path / "loop.c"
    notebook.write_text(dedent(LOOP))
    code = f"""
        import ctypes, sys, threading, hotplate
        nb = hotplate.open(sys.argv[1])
        nb.load("forever")
        {PRESS}
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert finish(start(code, str(notebook))) == (0, "interrupted\n")


SLOW_NEIGHBOUR = """
heard = threading.Event()

@ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
def dawdle(event):
    heard.set()
    ctypes.windll.kernel32.Sleep(milliseconds)
    return 0

ctypes.windll.kernel32.SetConsoleCtrlHandler(dawdle, 1)  # after Python's, before the core's: called between them
"""


@pytest.mark.parametrize("call", ["nb.run('forever')", "nb.run('limited')", "nb.load('forever')()"])
@pytest.mark.parametrize(
    ("milliseconds", "press"),
    [
        pytest.param(400, "ctypes.windll.kernel32.GenerateConsoleCtrlEvent(0, 0); heard.wait()", id="before"),
        pytest.param(1500, "ctypes.windll.kernel32.GenerateConsoleCtrlEvent(0, 0); heard.wait()", id="long before"),
        pytest.param(100, PRESS, id="during"),
    ],
)
def test_ctrl_c_counts_while_it_is_on_its_way_to_python(
    tmp_path: Path, call: str, milliseconds: int, press: str
) -> None:
    notebook = tmp_path / "loop.c"
    loop = dedent(LOOP)
    limited = loop.partition("\n")[2].partition("\n")[2].replace("forever", "limited")
    notebook.write_text(f"{loop}// %% Limited timeout=3600\n{limited}")
    code = f"""
import ctypes, sys, threading, hotplate
milliseconds = {milliseconds}
{SLOW_NEIGHBOUR}
nb = hotplate.open(sys.argv[1])
nb.load("forever")
try:
    {press}
    {call}
except KeyboardInterrupt:
    print("interrupted")
"""
    assert finish(start(code, str(notebook))) == (0, "interrupted\n")


def test_ctrl_c_ends_the_command_line_with_its_code(tmp_path: Path) -> None:
    notebook = tmp_path / "loop.c"
    notebook.write_text(dedent(LOOP))
    code = f"""
        import ctypes, sys, threading, hotplate
        hotplate.open(sys.argv[2]).load("forever")
        {PRESS}
        from hotplate.__main__ import main
        main()
    """
    status, output = finish(start(code, "run", str(notebook)))
    assert status == 130, output
    assert "interrupted" in output


def test_ctrl_c_is_left_alone_where_it_is_ignored(tmp_path: Path) -> None:
    notebook = tmp_path / "loop.c"
    notebook.write_text(dedent(LOOP.replace("!hp_check(ctx)", "!hp_check(ctx) && n < 2000000000")))
    code = f"""
        import ctypes, signal, sys, threading, hotplate
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        nb = hotplate.open(sys.argv[1])
        nb.load("forever")
        {PRESS}
        print(nb.run()["forever"])
    """
    assert finish(start(code, str(notebook))) == (0, "2000000000\n")
