"""The build cache: finished products by what they were built from. Safe for any number of processes.

Two levels, since the headers of a unit are known only after compiling it. A unit's key leads to a manifest: which
headers, with which contents, led to which build key. The build key leads to a directory with the product. Whatever is
missing, cut short or changed counts as not there and is built again.

    CACHEDIR.TAG  locks/  manifests/<xx>/<unit key>.json  artifacts/<xx>/<build key>/  preludes/  probe/  tmp/
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xxhash

from hotplate import _platform
from hotplate.errors import CacheError, SettingError
from hotplate.toolchain import eviction
from hotplate.toolchain.headers import HeaderHashes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEFAULT_CAP = 2 << 30
_KEPT = 10  # header sets remembered for one unit: enough for going back and forth, small enough to parse at each start
_LONGEST_ROOT = 130  # letters on Windows; the longest path in a cache, of a library that was renamed, has 125 more
_TOUCH_AFTER = 3600.0  # seconds between two marks of use: a hit is mostly a read
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory is a cache of hotplate; it may be deleted.\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished product in the cache."""

    key: str
    product: Path
    headers: Mapping[Path, str]
    """The files that it was made from, with the hashes of their contents."""
    meta: Mapping[str, Any]
    """What its builder noted down."""


def default_root(environ: Mapping[str, str], *, windows: bool = os.name == "nt") -> Path:
    """The cache's directory: HOTPLATE_CACHE_DIR, or else the platform's place for caches.

    Raises:
        SettingError: It is so deep that Windows could not open what lies in it.
    """
    chosen = environ.get("HOTPLATE_CACHE_DIR")
    if chosen:
        root = Path(chosen).expanduser().absolute()
    else:
        import platformdirs  # 15 ms, which a run with HOTPLATE_CACHE_DIR does not have to spend

        root = Path(platformdirs.user_cache_dir("hotplate", appauthor=False))
    if windows and len(str(root)) > _LONGEST_ROOT:
        raise SettingError(
            f"the cache's directory {root} has {len(str(root))} letters, and what lies in it would pass Windows' limit "
            f"of 260: set HOTPLATE_CACHE_DIR to a directory of at most {_LONGEST_ROOT} letters"
        )
    return root


def default_cap(environ: Mapping[str, str]) -> int:
    """The cache's size limit in bytes: HOTPLATE_CACHE_SIZE as in 500M or 2G, or else 2 GiB."""
    return size_setting("HOTPLATE_CACHE_SIZE", DEFAULT_CAP, environ)


def size_setting(name: str, default: int, environ: Mapping[str, str]) -> int:
    """The bytes that a variable of the environment tells, as in 500M or 2G. Raises SettingError for what is no size."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    match = re.fullmatch(r"(\d{1,18}(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", text, re.IGNORECASE)
    if not match:
        raise SettingError(f"{name} is {text!r}, which is no size: give bytes, or a number such as 500M or 2G")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " "))


class Cache:
    """Products by unit key. Thread-safe.

    Reading never fails: what can't be read is not there. Writing raises CacheError, which names the directory.
    """

    def __init__(self, root: Path, cap_bytes: int = DEFAULT_CAP, *, clock: Callable[[], float] = time.time) -> None:
        self.root = root
        self.cap_bytes = cap_bytes
        self.hashes = HeaderHashes()
        self._known: dict[str, tuple[list[list[str]], Entry]] = {}
        """What `lookup` found last, for sessions that ask again and again."""
        self._clock = clock

    def lookup(self, unit_key: str, hash_of: Callable[[str], str | None] | None = None) -> Entry | None:
        """The product for a unit, if there is one for the headers as they are now, or as `hash_of` knows them."""
        hash_of = hash_of or self.hashes
        known = self._known.get(unit_key)
        if known and all(hash_of(path) == value for path, value in known[0]) and known[1].product.exists():
            return known[1]
        for record in self._manifest(unit_key):
            if all(hash_of(path) == value for path, value in record["headers"]):
                entry = self._entry(record["key"], record["headers"])
                if entry:
                    self._touch(entry.product.parent)
                    self._known[unit_key] = (record["headers"], entry)
                    return entry
        return None

    def last_headers(self, unit_key: str) -> tuple[Path, ...]:
        """The files that the last good build of a unit read."""
        return next((tuple(_path(path) for path, _ in record["headers"]) for record in self._manifest(unit_key)), ())

    @contextlib.contextmanager
    def lock(self, kind: str, key: str, give_up: Callable[[], bool] | None = None) -> Iterator[bool]:
        """Keeps other processes and threads from building the same thing. False: gave up, see `_platform.lock`.

        Keys that begin alike share a lock, so who holds one of a kind must not take another of that kind.
        """
        path = self.root / "locks" / f"{kind}-{key[:2]}"
        with self.writing():
            self._prepare(path.parent)
            held = _platform.lock(path, give_up)
            got = held.__enter__()
        try:
            yield got
        finally:
            held.__exit__(None, None, None)

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """An empty directory on the cache's file system, gone afterwards unless it was published."""
        path = self.root / "tmp" / os.urandom(8).hex()
        with self.writing():
            self._prepare(path.parent)
            path.mkdir()
            mark = _platform.hold_directory(path)
            mark.__enter__()
        try:
            yield path
        finally:
            with contextlib.suppress(OSError):
                _platform.remove_tree(path)
            mark.__exit__(None, None, None)

    def publish(
        self, workspace: Path, product: str, unit_key: str, headers: Sequence[Path], meta: Mapping[str, Any]
    ) -> Entry:
        """Makes a finished workspace the product of a unit. `product` names the file in it that counts."""
        with self.writing():
            hashed = [[str(path), self.hashes(str(path)) or ""] for path in headers]
            key = build_key(unit_key, hashed)
            file = workspace / product
            noted = {**meta, "product": product, "size": file.stat().st_size, "unit_key": unit_key}
            (workspace / "meta.json").write_text(json.dumps(noted), encoding="utf-8")
            # The product alone: a meta.json or a rename that a power cut takes back makes a miss, never a wrong hit.
            _platform.fsync_file(file)
            self._place(workspace, key)
            self._remember(unit_key, key, hashed)
        entry = self._entry(key, hashed)
        if entry is None:
            raise CacheError(
                f"{self.root}: what was just built is gone again; is another program clearing this directory?"
            )
        return entry

    def keep_text(self, name: str, text: str) -> Path:
        """A file with this text, at a path that depends on the name only. The text of a name never changes."""
        path = self.root / "preludes" / name
        with self.writing():
            if not path.is_file() or path.read_text("utf-8") != text:
                self._prepare(path.parent)
                self._write(path, text)
        return path

    def trim(self) -> int:
        """Evicts what was unused longest until the cap is kept; at most once a minute. Returns the bytes freed."""
        return eviction.trim(self.root, self.cap_bytes, self._clock())

    def stats(self) -> eviction.Stats:
        """How much is in the cache."""
        return eviction.stats(self.root)

    def clear(self) -> int:
        """Removes every product. Builds that are running go on. Returns the bytes freed."""
        with self.writing():
            return eviction.clear(self.root)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Turns a failed write into a CacheError that tells what to do."""
        try:
            yield
        except OSError as error:
            raise self.failure(error) from error

    def failure(self, error: OSError) -> CacheError:
        """The error for something in the cache that could not be written."""
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = "free some space (`hotplate cache clear`)" if full else "make it writable"
        return CacheError(
            f"the build cache {self.root} can't be written: {error.strerror or error}; {remedy}, "
            "or set HOTPLATE_CACHE_DIR to a directory elsewhere"
        )

    def raise_if_full(self, code: int, output: str) -> None:
        """Raises the error for a compiler that failed because the cache's disk is full: that is not its source's fault.

        The compiler's own words are an OSError that went through a pipe.
        """
        if code != 0 and "No space left on device" in output:
            raise self.failure(OSError(errno.ENOSPC, "No space left on device"))

    def _prepare(self, folder: Path) -> None:
        try:
            folder.mkdir()
        except FileExistsError:
            return
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
        tag = self.root / "CACHEDIR.TAG"
        if not tag.exists():
            tag.write_text(_TAG, encoding="utf-8")

    def _place(self, workspace: Path, key: str) -> None:
        final = self._folder(key)
        self._prepare(final.parent)
        while not _platform.publish_directory(workspace, final):
            if self._entry(key, []):
                return  # another process was first; both built the same
            # Damaged. Renamed first: it disappears at once, while libraries that are mapped live on.
            with contextlib.suppress(FileNotFoundError):
                eviction.discard(self.root, final)

    def _remember(self, unit_key: str, key: str, headers: list[list[str]]) -> None:
        record = {"key": key, "headers": headers}
        others = [r for r in self._manifest(unit_key) if r["key"] != key]
        path = eviction.manifest_path(self.root, unit_key)
        self._prepare(path.parent)
        self._write(path, json.dumps({"entries": [record, *others][:_KEPT]}))

    def _write(self, path: Path, text: str) -> None:
        temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
        try:
            temporary.write_text(text, encoding="utf-8")
            _platform.replace_file(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _manifest(self, unit_key: str) -> list[dict[str, Any]]:
        return eviction.read_manifest(eviction.manifest_path(self.root, unit_key))

    def _folder(self, key: str) -> Path:
        return self.root / "artifacts" / key[:2] / key

    def _entry(self, key: str, hashed: list[list[str]]) -> Entry | None:
        folder = self._folder(key)
        try:
            meta = json.loads((folder / "meta.json").read_bytes())
            product = folder / meta["product"]
            whole = product.stat().st_size == meta["size"]
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return Entry(key, product, {_path(path): value for path, value in hashed}, meta) if whole else None

    def _touch(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # a cache that can only be read still has hits
            if self._clock() - folder.stat().st_mtime > _TOUCH_AFTER:
                os.utime(folder)


# Units of a notebook share their headers, and 3,000 new Paths take 30 ms.
_path = functools.lru_cache(maxsize=4096)(Path)


def build_key(unit_key: str, headers: Sequence[Sequence[str]]) -> str:
    """The key of a product: its unit, and each header's path and content."""
    return xxhash.xxh3_128_hexdigest(json.dumps([unit_key, headers]).encode())
