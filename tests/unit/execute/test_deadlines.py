"""Deadlines: functions called when their time comes, all by one thread."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

import pytest

from hotplate.execute.deadlines import Deadlines, deadlines

LONG = 30.0


def timers() -> int:
    return sum(thread.name == "hotplate-deadlines" for thread in threading.enumerate())


def test_they_come_in_the_order_of_their_times() -> None:
    deadlines, done, order = Deadlines(), threading.Event(), list[str]()
    deadlines.after(0.04, lambda: order.append("second"))
    deadlines.after(0.08, done.set)
    deadlines.after(0.001, lambda: order.append("first"))
    assert done.wait(LONG)
    assert order == ["first", "second"]


def test_a_near_one_does_not_wait_behind_a_far_one() -> None:
    deadlines, done = Deadlines(), threading.Event()
    far = deadlines.after(3600, done.clear)
    deadlines.after(0.001, done.set)
    assert done.wait(LONG)
    deadlines.cancel(far)


def test_a_cancelled_one_never_comes() -> None:
    deadlines, done, called = Deadlines(), threading.Event(), list[str]()
    number = deadlines.after(0.02, lambda: called.append("cancelled"))
    deadlines.cancel(number)
    deadlines.after(0.04, done.set)
    assert done.wait(LONG)
    assert called == []


def test_cancelling_one_that_has_come_does_no_harm() -> None:
    deadlines, first, second = Deadlines(), threading.Event(), threading.Event()
    number = deadlines.after(0, first.set)
    assert first.wait(LONG)
    deadlines.cancel(number)
    deadlines.after(0, second.set)
    assert second.wait(LONG)


def test_a_thread_that_cannot_be_started_now_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    deadlines, done = Deadlines(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            deadlines.after(0, done.clear)
    deadlines.after(0, done.set)
    assert done.wait(LONG)


def test_a_thousand_need_one_thread() -> None:
    deadlines, before = Deadlines(), timers()
    assert timers() == before, "none before the first deadline"
    done = threading.Semaphore(0)
    for i in range(1000):
        deadlines.after(i * 1e-5, done.release)
    for _ in range(1000):
        assert done.acquire(timeout=LONG)
    assert timers() == before + 1


def test_an_action_may_set_a_deadline_itself() -> None:
    deadlines, done = Deadlines(), threading.Event()
    deadlines.after(0, lambda: [deadlines.after(0, done.set)])
    assert done.wait(LONG)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_deadlines_of_its_own() -> None:
    first = threading.Event()
    deadlines.after(0, first.set)
    assert first.wait(LONG)
    child = os.fork()
    if child == 0:
        done = threading.Event()
        deadlines.after(0, done.set)
        os._exit(0 if done.wait(LONG) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_one_that_raises_keeps_no_other_from_coming(caplog: pytest.LogCaptureFixture) -> None:
    deadlines, done = Deadlines(), threading.Event()
    deadlines.after(0, lambda: 1 // 0)
    deadlines.after(0.01, done.set)
    assert done.wait(LONG)
    assert "ZeroDivisionError" in caplog.text


def test_an_interrupt_amid_the_locking_holds_no_deadline_up() -> None:
    deadlines = Deadlines()
    deadlines.after(3600, lambda: None)
    left = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        if event == "call" and frame.f_code.co_filename not in (
            threading.__file__,
            Deadlines.after.__code__.co_filename,
        ):
            return None
        left -= frame.f_code.co_filename == threading.__file__ and event in ("line", "return")
        if left == 0:
            left = -1
            raise KeyboardInterrupt
        return trace

    for at in range(1, 30):
        left, done = at, threading.Event()
        sys.settrace(trace)
        with contextlib.suppress(KeyboardInterrupt):
            deadlines.cancel(deadlines.after(3600, done.clear))
        sys.settrace(None)
        deadlines.after(0, done.set)
        assert done.wait(2), at
