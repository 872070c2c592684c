"""The store of runs: what each run did and computed, on disk, for whoever resumes, reuses or looks at it later.

SQLite holds the facts, files the large values. What lives here decides how a thing is kept and found again, and neither
what is run nor what of it is reused. Importing it imports apsw (4 ms): do so when a store is opened.
"""

from hotplate.run.store.owner import Owner
from hotplate.run.store.recording import Recording, content_names
from hotplate.run.store.records import (
    CellRecord,
    Children,
    Loaded,
    RunDescription,
    RunRecord,
    RunState,
    RunSummary,
    StoredOutput,
    StoredValue,
)
from hotplate.run.store.store import RunStore

__all__ = [
    "CellRecord",
    "Children",
    "Loaded",
    "Owner",
    "Recording",
    "RunDescription",
    "RunRecord",
    "RunState",
    "RunStore",
    "RunSummary",
    "StoredOutput",
    "StoredValue",
    "content_names",
]
