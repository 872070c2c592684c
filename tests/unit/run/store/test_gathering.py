"""What is taken down on several threads at once goes to the writer in an order that each of them knows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from hotplate.run.store.change import Change
from hotplate.run.store.gathering import Gathering
from hotplate.run.store.rows import ATTEMPT
from tests.unit.run.store.samples import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.run.store.change import Lease


class Waiting:
    """Stands for a writer that takes nothing yet. `meanwhile` is called before the first change is pending."""

    is_this_thread = False

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.pending: list[Change] = []
        self._meanwhile = [meanwhile]

    def offer(self, change: Change) -> bool:
        if self._meanwhile:
            self._meanwhile.pop()()
        self.pending.append(change)
        return True

    put = offer


def test_an_event_follows_what_its_thread_had_recorded_before_also_while_others_add_rows() -> None:
    others: list[threading.Thread] = []

    def meanwhile() -> None:
        other = threading.Thread(target=gathering.add, args=({ATTEMPT: ()},))
        others.append(other)
        other.start()
        other.join(0.2)  # it can end now where nothing keeps it out, and must not change the order then

    writer = Waiting(meanwhile)
    gathering = Gathering(cast("Lease", None), cast("Any", writer))
    with_a_file = Change(events=[event(1)])
    gathering.put(with_a_file)
    gathering.add({}, event=event(2))
    for other in others:
        other.join()
    assert [told.sequence for change in writer.pending for told in change.events] == [1, 2]
