"""Keeps the cache's directory within its size and clean. What others are using stays."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hotplate import _platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_INTERVAL = 60.0  # seconds between two looks at the whole cache
_YOUNG = 60.0  # seconds: a workspace this young may not be marked as in use yet


@dataclass(frozen=True, slots=True)
class Stats:
    """How much is in the cache."""

    artifacts: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    used: float
    size: int


def trim(root: Path, cap_bytes: int, now: float) -> int:
    """Evicts the least recently used products beyond the cap; at most once a minute. Returns the bytes freed."""
    if not _due(root / "trimmed", now):
        return 0
    sweep(root, now)
    folders = sorted(_artifacts(root), key=lambda folder: folder.used)
    excess = sum(folder.size for folder in folders) - cap_bytes
    freed = 0
    for folder in folders:
        if freed >= excess:
            break
        with contextlib.suppress(OSError):
            _forget(root, folder.path)
            discard(root, folder.path)
            freed += folder.size
    return freed


def stats(root: Path) -> Stats:
    """Counts the products and their bytes."""
    folders = list(_artifacts(root))
    return Stats(len(folders), sum(folder.size for folder in folders))


def clear(root: Path) -> int:
    """Removes every product and everything that is remembered about them. Returns the bytes freed."""
    freed = stats(root).bytes
    for name in ("manifests", "artifacts", "probe", "preludes"):
        if (root / name).is_dir():
            discard(root, root / name)
    return freed


def sweep(root: Path, now: float) -> None:
    """Removes the workspaces of processes that died, and libraries that were in use when they were discarded."""
    _platform.sweep_stale(root / "tmp")
    for path in _children(root / "tmp"):
        with contextlib.suppress(OSError):
            if now - path.stat().st_mtime < _YOUNG:
                continue
            if not path.is_dir():
                path.unlink()
                continue
            with _platform.hold_directory(path) as nobody_else:
                if nobody_else:
                    _platform.remove_tree(path)


def discard(root: Path, folder: Path) -> None:
    """Removes a directory so that it disappears at once for everyone who looks for it."""
    aside = root / "tmp" / f"discarded-{os.urandom(8).hex()}"
    aside.parent.mkdir(parents=True, exist_ok=True)
    _platform.retire_tree(folder, aside)


def manifest_path(root: Path, unit_key: str) -> Path:
    """The manifest of a unit."""
    return root / "manifests" / unit_key[:2] / f"{unit_key}.json"


def read_manifest(path: Path) -> list[dict[str, Any]]:
    """The records of a manifest, newest first; none when it is missing or damaged."""
    try:
        records = json.loads(path.read_bytes())["entries"]
        return [r for r in records if isinstance(r["key"], str) and all(len(pair) == 2 for pair in r["headers"])]
    except (OSError, ValueError, LookupError, TypeError):
        return []


def _due(marker: Path, now: float) -> bool:
    try:
        if now - marker.stat().st_mtime < _INTERVAL:
            return False
    except OSError:
        pass
    try:
        marker.touch()
        os.utime(marker, (now, now))
    except OSError:
        return False  # can't write here: nothing to evict either
    return True


def _artifacts(root: Path) -> Iterator[_Folder]:
    for group in _children(root / "artifacts"):
        for path in _children(group):
            with contextlib.suppress(OSError):
                size = sum(file.stat().st_size for file in _children(path))
                yield _Folder(path, path.stat().st_mtime, size)


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _forget(root: Path, folder: Path) -> None:
    """Takes a product out of its unit's manifest. A record that another process adds meanwhile may get lost: a miss."""
    try:
        unit_key = str(json.loads((folder / "meta.json").read_bytes())["unit_key"])
    except (OSError, ValueError, LookupError, TypeError):
        return
    path = manifest_path(root, unit_key)
    left = [record for record in read_manifest(path) if record["key"] != folder.name]
    if not left:
        path.unlink(missing_ok=True)
        return
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    temporary.write_text(json.dumps({"entries": left}), encoding="utf-8")
    _platform.replace_file(temporary, path)
