"""Hot reload: what happens between a save and the next results.

The watcher tells that files which a notebook depends on have really changed. Nothing here is imported by a plain run.
"""

from __future__ import annotations

from hotplate.reload.watcher import Watcher

__all__ = ["Watcher"]
