"""Where a command records what it runs, and what it says about that."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from hotplate.errors import StoreError
from hotplate.events import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.run.attempts import Attempt
    from hotplate.run.store import RunStore
    from hotplate.run.sweep import SweepRun


class Records:
    """Where the run of one command is recorded, if it is. A sink, to know which run it was."""

    def __init__(self, store: RunStore | None, *, insists: bool = True) -> None:
        """With `insists` a run that can't be recorded is refused; else it goes on, with a warning."""
        self.store = store
        self._insists = insists
        self._run = ""

    @classmethod
    def open(cls, wanted: bool | None) -> Records:
        """The usual store; None for `wanted`: if it can be used. Raises StoreError when it can't and is wanted."""
        if wanted is False:
            return cls(None)
        from hotplate.run.store import RunStore

        try:
            return cls(RunStore.open(), insists=wanted is True)
        except StoreError as error:
            if wanted:
                raise
            _warn(error)
            return cls(None)

    def __call__(self, event: Event) -> None:
        """Takes note of the run that has begun."""
        if event.kind is Kind.RUN_STARTED:
            self._run = event.run

    def around(self, run: Callable[[RunStore | None, tuple[Sink, ...]], Run | SweepRun]) -> Run | SweepRun:
        """Makes a run: recorded, or unrecorded where the store can't be written and nobody insists."""
        if self.store is None:
            return run(None, ())
        logging.getLogger("hotplate").addFilter(_is_told_elsewhere)
        try:
            return run(self.store, (self,))
        except StoreError as error:
            if self._insists or self._run:
                raise
            _warn(error)
            self.store = None
            return run(None, ())
        finally:
            logging.getLogger("hotplate").removeFilter(_is_told_elsewhere)

    def holds(self, run: Run | SweepRun) -> bool:
        """Whether all of a run was recorded."""
        return self.store is not None and not run.unrecorded

    def tell(self, run: Run | SweepRun | None, *, over: bool) -> None:
        """Says what of the run was not recorded, and how to go on with one that is not over."""
        if run is not None and run.unrecorded:
            print(f"hotplate: not all of this run was recorded: {run.unrecorded}", file=sys.stderr)
        begun = run is None or run.attempts  # else there is nothing to go on with
        if self.store is None or over or not self._run or not begun:
            return
        try:
            short = self.store.shorten(self._run)
        except StoreError:
            return  # a store that has come to grief meanwhile, of which `unrecorded` tells
        # What failed is not called again as it is: its attempts are spent, unless its section has retries.
        after = ", after an edit or with --again" if run is not None and any(map(_failed, run.attempts)) else ""
        print(f"hotplate: this was run {self._run}; to go on with it{after}: hotplate resume {short}", file=sys.stderr)


def _failed(attempt: Attempt) -> bool:
    return attempt.outcome not in ("ok", "cancelled")


def _warn(error: StoreError) -> None:
    print(f"hotplate: this run is not recorded: {error}; or run with --no-record", file=sys.stderr)


def _is_told_elsewhere(record: logging.LogRecord) -> bool:
    """Leaves out what a recording logs of its own end: `Run.unrecorded` has it, and is shown when the run is over."""
    return record.levelno != logging.WARNING or record.module not in ("recording", "writer")
