"""Stores: where the runs of a notebook are recorded, and whose results they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.errors import SettingError
from hotplate.run.memory import Recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotplate.run.store import RunStore


class Stores:
    """The store that is the user's own, opened once somebody records and closed with the notebook; or another one."""

    def __init__(self) -> None:
        self.own: RunStore | None = None

    def of_order(self, record: bool | RunStore, *, reuse: bool) -> Mapping[str, Any]:
        """Where an order records, and whose results it takes. Raises StoreError."""
        store = self.choose(record) if record or reuse else None
        memory = Recorded(store) if store is not None and reuse else None
        return {"store": store if record else None, "reuse": reuse, "memory": memory}

    def choose(self, chosen: bool | RunStore, *, create: bool = True) -> RunStore:
        """The store that is meant. Raises StoreError."""
        from hotplate.run.store import RunStore

        if isinstance(chosen, RunStore):
            return chosen
        if not isinstance(chosen, bool):
            raise SettingError(f"{chosen!r} is no place for records; give a RunStore, such as RunStore.open(folder)")
        if self.own is None:
            self.own = RunStore.open(create=create)
        return self.own
