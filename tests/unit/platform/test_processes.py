"""What tells one process from all others."""

from __future__ import annotations

import os
import subprocess
import sys

from hotplate import _platform

SLEEPER = (sys.executable, "-c", "input()")


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEPER, stdin=subprocess.PIPE)


def test_a_process_has_one_start_time_for_as_long_as_it_lives() -> None:
    with sleeper() as other:
        first = _platform.process_start(other.pid)
        assert first is not None
        assert _platform.process_start(other.pid) == first
        assert _platform.process_start(os.getpid()) is not None
        other.kill()


def test_a_process_that_ended_has_none_also_before_its_parent_knows() -> None:
    with sleeper() as other:
        other.kill()
        if sys.platform != "win32":
            os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and left as it is
        else:
            other.wait()
        assert _platform.process_start(other.pid) is None
    assert _platform.process_start(other.pid) is None


def test_processes_of_one_machine_agree_on_when_it_was_started_and_on_their_numbers() -> None:
    code = "from hotplate import _platform as p; print(p.boot_id(), p.process_namespace())"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ).stdout
    assert said.rstrip("\n") == f"{_platform.boot_id()} {_platform.process_namespace()}"
    assert sys.platform != "linux" or (_platform.boot_id() and _platform.process_namespace())
