"""What a child that was forked must not share with its parent."""

from __future__ import annotations

import os
import sys
import weakref
from typing import Protocol


class Inherited(Protocol):
    """Something that a child finds and that is its parent's."""

    def forget_parent(self) -> None:
        """In the child: lets go of what is the parent's. No lock may be waited for: whoever had it is not there."""


_inherited: weakref.WeakSet[Inherited] = weakref.WeakSet()


def forget_in_children(thing: Inherited) -> None:
    """Has every child that is forked from here on forget its parent, as long as the thing lives."""
    _inherited.add(thing)


def _forget_parents() -> None:
    for thing in tuple(_inherited):
        thing.forget_parent()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget_parents)
