"""The cache as files: what is damaged counts as missing, what is old goes first."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import SettingError
from hotplate.toolchain import Cache, default_cap, default_root

if TYPE_CHECKING:
    from pathlib import Path

    from hotplate.toolchain.cache import Entry

KEY = "ab" + "0" * 30


def publish(cache: Cache, unit_key: str = KEY, content: bytes = b"library", headers: tuple[Path, ...] = ()) -> Entry:
    with cache.workspace() as workspace:
        (workspace / "cell.so").write_bytes(content)
        return cache.publish(workspace, "cell.so", unit_key, headers, {"cell": "cell"})


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_a_published_product_is_found_with_what_was_noted(cache: Cache) -> None:
    entry = publish(cache)
    found = cache.lookup(KEY)
    assert found
    assert (found.key, found.product.read_bytes(), found.meta["cell"]) == (entry.key, b"library", "cell")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda product: product.unlink(), id="library missing"),
        pytest.param(lambda product: product.write_bytes(b"lib"), id="library cut short"),
        pytest.param(lambda product: (product.parent / "meta.json").write_text("{"), id="meta cut short"),
        pytest.param(lambda product: (product.parent / "meta.json").unlink(), id="meta missing"),
    ],
)
def test_a_damaged_product_is_a_miss_and_is_replaced(cache: Cache, damage: object) -> None:
    assert callable(damage)
    damage(publish(cache).product)
    assert cache.lookup(KEY) is None
    publish(cache)
    found = cache.lookup(KEY)
    assert found
    assert found.product.read_bytes() == b"library"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": [{"key": 1}]}', '{"entries": null}', "\0\0\0"])
def test_a_damaged_manifest_is_a_miss_and_is_replaced(cache: Cache, text: str) -> None:
    publish(cache)
    [manifest] = (cache.root / "manifests").rglob("*.json")
    manifest.write_text(text)
    assert cache.lookup(KEY) is None
    publish(cache)
    assert cache.lookup(KEY)


def test_each_version_of_a_header_has_its_own_product(cache: Cache, tmp_path: Path) -> None:
    header = tmp_path / "h.h"
    keys = []
    for content in ("one", "three", "fifteen"):
        header.write_text(content)
        keys.append(publish(cache, content=content.encode(), headers=(header,)).key)
    header.write_text("one")
    found = cache.lookup(KEY)
    assert found
    assert (found.key, found.product.read_bytes()) == (keys[0], b"one")
    assert len(set(keys)) == 3


def test_the_number_of_remembered_header_sets_is_bounded(cache: Cache, tmp_path: Path) -> None:
    header = tmp_path / "h.h"
    for number in range(30):
        header.write_text("x" * number)
        publish(cache, headers=(header,))
    [manifest] = (cache.root / "manifests").rglob("*.json")
    assert manifest.read_text().count('"key"') == 10


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, cap_bytes=25_000)
    keys = [f"{number:02}" + "0" * 30 for number in range(3)]
    for age, key in zip((300, 100, 200), keys, strict=True):
        entry = publish(cache, key, b"x" * 10_000)
        os.utime(entry.product.parent, (time.time() - age,) * 2)
    assert cache.trim() >= 10_000
    assert [cache.lookup(key) is not None for key in keys] == [False, True, True]
    assert cache.stats().artifacts == 2


def test_a_hit_after_an_hour_counts_as_use(cache: Cache) -> None:
    folder = publish(cache).product.parent
    os.utime(folder, (time.time() - 7200,) * 2)
    cache.lookup(KEY)
    assert time.time() - folder.stat().st_mtime < 60


def test_the_whole_cache_is_looked_through_at_most_once_a_minute(tmp_path: Path) -> None:
    now = [time.time()]
    cache = Cache(tmp_path, cap_bytes=0, clock=lambda: now[0])
    cache.trim()
    publish(cache)
    assert cache.trim() == 0
    now[0] += 61
    assert cache.trim() > 0


def test_sweeping_takes_the_workspaces_of_the_dead_only(cache: Cache) -> None:
    dead = cache.root / "tmp" / "dead"
    dead.mkdir(parents=True)
    with cache.workspace() as living:
        for folder in (dead, living):
            os.utime(folder, (time.time() - 600,) * 2)
        cache.trim()
        assert living.is_dir()
    assert not dead.exists()
    assert not living.exists()


def test_clearing_leaves_a_usable_cache(cache: Cache) -> None:
    publish(cache)
    assert cache.clear() > 0
    assert cache.lookup(KEY) is None
    publish(cache)
    assert cache.lookup(KEY)


@pytest.mark.parametrize(
    ("text", "size"), [("", 2 << 30), ("1000", 1000), ("500M", 500 << 20), ("2G", 2 << 30), ("1.5 GiB", 3 << 29)]
)
def test_the_cap_reads_sizes(text: str, size: int) -> None:
    assert default_cap({"HOTPLATE_CACHE_SIZE": text}) == size


def test_a_cap_that_is_no_size_is_an_error_that_shows_one() -> None:
    with pytest.raises(SettingError, match=r"'plenty'.*500M"):
        default_cap({"HOTPLATE_CACHE_SIZE": "plenty"})


def test_the_cache_is_where_the_variable_says(tmp_path: Path) -> None:
    assert default_root({"HOTPLATE_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert default_root({}).name == "hotplate"


def test_a_cache_too_deep_for_windows_is_refused_with_the_limit(tmp_path: Path) -> None:
    deep = {"HOTPLATE_CACHE_DIR": str(tmp_path / ("d" * 130))}
    with pytest.raises(SettingError, match=r"has \d+ letters.*at most 130 letters"):
        default_root(deep, windows=True)
    assert default_root(deep, windows=False) == tmp_path / ("d" * 130)
