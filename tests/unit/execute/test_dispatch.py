"""DispatchQueue: bounded, first in first out, and what is in it when it is shut down is still given out."""

from __future__ import annotations

import threading

import pytest

from hotplate.errors import Backpressure, SettingError, ShutDown
from hotplate.execute import DispatchQueue


@pytest.mark.parametrize("capacity", [0, -1])
def test_one_that_could_hold_nothing_is_refused(capacity: int) -> None:
    with pytest.raises(SettingError, match=f"1 item or more, not {capacity}"):
        DispatchQueue(capacity)


def test_what_comes_first_goes_first() -> None:
    queue: DispatchQueue[int] = DispatchQueue(3)
    for item in (3, 1, 2):
        queue.put(item)
    assert [queue.get(), queue.get(), queue.get()] == [3, 1, 2]


def test_a_full_one_says_how_much_it_holds() -> None:
    queue: DispatchQueue[int] = DispatchQueue(2)
    queue.put(1)
    queue.put(2)
    with pytest.raises(Backpressure, match="it holds 2") as refused:
        queue.put(3)
    assert refused.value.capacity == 2
    assert [queue.get(), queue.get()] == [1, 2]
    queue.put(4)


def test_who_waits_for_room_is_let_in_when_there_is_some() -> None:
    queue: DispatchQueue[int] = DispatchQueue(1)
    queue.put(1)
    producer = threading.Thread(target=lambda: [queue.put(item, wait=True) for item in range(2, 101)])
    producer.start()
    assert [queue.get() for _ in range(100)] == list(range(1, 101))
    producer.join()


def test_after_it_was_shut_down_the_rest_is_given_out_and_then_nothing() -> None:
    queue: DispatchQueue[int] = DispatchQueue(2)
    queue.put(1)
    queue.put(2)
    queue.shut_down()
    queue.shut_down()
    assert [queue.get(), queue.get(), queue.get(), queue.get()] == [1, 2, None, None]


def test_that_it_is_shut_down_is_said_before_that_it_is_full() -> None:
    queue: DispatchQueue[int] = DispatchQueue(1)
    queue.put(1)
    queue.shut_down()
    with pytest.raises(ShutDown):
        queue.put(2)


@pytest.mark.parametrize("waiting", ["to put", "to get"])
def test_all_who_wait_are_told_that_it_was_shut_down(waiting: str) -> None:
    queue: DispatchQueue[int] = DispatchQueue(1)
    told = []

    def put() -> None:
        with pytest.raises(ShutDown):
            queue.put(2, wait=True)
        told.append(True)

    if waiting == "to put":
        queue.put(1)
    wait = put if waiting == "to put" else lambda: told.append(queue.get() is None)
    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    queue.shut_down()
    for thread in threads:
        thread.join(10)
    assert told == [True] * 4


def test_every_item_is_given_out_once_with_many_on_both_sides() -> None:
    queue: DispatchQueue[int] = DispatchQueue(3)
    taken: list[int] = []

    def take() -> None:
        while (item := queue.get()) is not None:
            taken.append(item)

    consumers = [threading.Thread(target=take) for _ in range(4)]
    producers = [
        threading.Thread(target=lambda first=first: [queue.put(item, wait=True) for item in range(first, 1000, 4)])
        for first in range(4)
    ]
    for thread in (*consumers, *producers):
        thread.start()
    for thread in producers:
        thread.join()
    queue.shut_down()
    for thread in consumers:
        thread.join()
    assert sorted(taken) == list(range(1000))


def test_all_that_is_in_it_can_be_taken_at_once() -> None:
    queue: DispatchQueue[int] = DispatchQueue(3)
    assert queue.take(timeout=0.001) == []
    queue.put(1)
    queue.put(2)
    assert queue.take() == [1, 2]
    queue.put(3)
    queue.shut_down()
    assert [queue.take(), queue.take(), queue.get()] == [[3], None, None]


def test_taking_all_lets_everybody_in_who_waits_for_room() -> None:
    queue: DispatchQueue[int] = DispatchQueue(2)
    producers = [threading.Thread(target=lambda i=i: queue.put(i, wait=True)) for i in range(20)]
    for thread in producers:
        thread.start()
    taken: list[int] = []
    while len(taken) < 20:
        found = queue.take(timeout=30)
        assert found
        assert len(found) <= 2
        taken += found
    for thread in producers:
        thread.join(10)
    assert sorted(taken) == list(range(20))
