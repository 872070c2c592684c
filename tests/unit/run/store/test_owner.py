"""Who a run belongs to, and whether that process is still there."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from hotplate import _platform
from hotplate.run.store import Owner
from hotplate.run.store.owner import SILENCE

MINE = Owner.mine()
LONG = 2 * SILENCE


def test_this_process_is_alive_however_long_it_is_silent() -> None:
    assert MINE.is_alive(LONG)


def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it() -> None:
    assert not replace(MINE, started=MINE.started - 1).is_alive(0.0)


def test_a_process_that_was_killed_is_dead_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        owner = replace(MINE, pid=other.pid, started=_platform.process_start(other.pid) or 0)
        assert owner.is_alive(LONG)
        other.kill()
    assert not owner.is_alive(0.0)


def test_nothing_outlives_a_restart_of_its_machine() -> None:
    assert not replace(MINE, boot="another one").is_alive(0.0)


@pytest.mark.parametrize("elsewhere", [{"namespace": "pid:[1]"}, {"host": "far", "boot": "another one"}])
def test_what_can_not_be_looked_at_is_alive_until_it_was_silent_for_long(elsewhere: dict[str, str]) -> None:
    owner = replace(MINE, pid=1, **elsewhere)
    assert owner.is_alive(SILENCE)
    assert not owner.is_alive(SILENCE + 1)


def test_where_the_system_does_not_tell_the_heartbeat_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(_platform, "process_start", hidden)
    owner = replace(MINE, pid=MINE.pid + 1)
    assert owner.is_alive(SILENCE)
    assert not owner.is_alive(SILENCE + 1)
