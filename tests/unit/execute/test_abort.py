"""AbortHandle: a request to stop goes down the tree, once, and can't be taken back."""

from __future__ import annotations

import signal
import threading

import pytest

from hotplate.execute import AbortHandle


def test_a_new_handle_asks_for_nothing() -> None:
    handle = AbortHandle()
    assert (handle.aborted, handle.reason, handle.word[0]) == (False, "", 0)


def test_the_first_reason_is_kept() -> None:
    handle = AbortHandle()
    handle.abort("first")
    handle.abort("second")
    assert (handle.aborted, handle.reason, handle.word[0]) == (True, "first", 1)


def test_it_reaches_children_and_their_children() -> None:
    root = AbortHandle()
    child = AbortHandle(root)
    leaf = AbortHandle(child)
    root.abort("all")
    assert (child.reason, leaf.reason, leaf.word[0]) == ("all", "all", 1)


def test_it_does_not_reach_parents_or_siblings() -> None:
    root = AbortHandle()
    child, sibling = AbortHandle(root), AbortHandle(root)
    child.abort()
    assert (root.aborted, sibling.aborted) == (False, False)


def test_a_child_of_an_aborted_handle_is_born_aborted() -> None:
    root = AbortHandle()
    root.abort("before")
    child = AbortHandle(root)
    assert (child.aborted, child.reason) == (True, "before")


def test_a_released_child_hears_nothing_any_more() -> None:
    root = AbortHandle()
    child = AbortHandle(root)
    root.release(child)
    root.release(child)
    root.abort()
    assert not child.aborted


def test_a_word_that_native_code_set_counts_and_has_a_reason() -> None:
    handle = AbortHandle()
    handle.word[0] = 1
    assert (handle.aborted, handle.reason) == (True, "interrupted")


@pytest.mark.parametrize("signals", [50])
def test_a_signal_handler_may_abort_whatever_the_main_thread_is_doing(signals: int) -> None:
    root = AbortHandle()
    previous = signal.signal(signal.SIGUSR1, lambda *_: root.abort("signal"))
    main = threading.get_ident()
    done = threading.Event()

    def send() -> None:
        for _ in range(signals):
            signal.pthread_kill(main, signal.SIGUSR1)
            done.wait(0.0005)
        done.set()

    sender = threading.Thread(target=send)
    sender.start()
    try:
        while not done.is_set():
            root.release(AbortHandle(root))
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, previous)
    assert root.reason == "signal"


def test_a_child_that_wants_to_be_called_is_called_once() -> None:
    root, calls = AbortHandle(), []
    AbortHandle(AbortHandle(root), on_abort=lambda: calls.append("told"))
    root.abort()
    root.abort("again")
    assert calls == ["told"]


def test_a_child_of_an_aborted_handle_is_called_at_once() -> None:
    root, calls = AbortHandle(), []
    root.word[0] = 1
    AbortHandle(root, on_abort=lambda: calls.append("told"))
    assert calls == ["told"]


def test_a_released_child_is_not_called() -> None:
    root, calls = AbortHandle(), []
    child = AbortHandle(root, on_abort=lambda: calls.append("told"))
    root.release(child)
    root.abort()
    child.abort()
    assert calls == []


def test_release_waits_for_a_call_under_way() -> None:
    entered, leave, order = threading.Event(), threading.Event(), []

    def slow() -> None:
        entered.set()
        leave.wait(5)
        order.append("called")

    root = AbortHandle()
    child = AbortHandle(root, on_abort=slow)
    aborting = threading.Thread(target=root.abort)
    aborting.start()
    entered.wait(5)
    threading.Timer(0.02, leave.set).start()
    root.release(child)
    order.append("released")
    aborting.join()
    assert order == ["called", "released"]
