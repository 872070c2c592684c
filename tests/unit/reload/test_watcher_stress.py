"""Whatever many writers do at the same time, in the end the caller knows what each file holds."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest
import xxhash

from hotplate.reload import Watcher, watcher
from hotplate.reload.sources import ObserverSource

if TYPE_CHECKING:
    from pathlib import Path


def in_place(file: Path, text: str, _: random.Random) -> None:
    file.write_text(text)


def in_two_chunks(file: Path, text: str, chance: random.Random) -> None:
    with file.open("w") as out:
        out.write(text[:3])
        out.flush()
        time.sleep(chance.random() / 100)
        out.write(text[3:])


def truncated_then_written(file: Path, text: str, chance: random.Random) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    os.ftruncate(descriptor, 0)
    time.sleep(chance.random() / 100)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def replaced(file: Path, text: str, _: random.Random) -> None:
    new = _own(file)
    new.write_text(text)
    new.replace(file)


def moved_in(file: Path, text: str, _: random.Random) -> None:
    new = _own(file.parents[1] / file.name)
    new.write_text(text)
    new.replace(file)


def deleted(file: Path, *_: object) -> None:
    file.unlink(missing_ok=True)


def recreated(file: Path, text: str, chance: random.Random) -> None:
    file.unlink(missing_ok=True)
    time.sleep(chance.random() / 100)
    file.write_text(text)


def touched(file: Path, *_: object) -> None:
    os.utime(file)


def written_again(file: Path, *_: object) -> None:
    file.write_bytes(file.read_bytes())


def folder_renamed_and_back(file: Path, _: str, chance: random.Random) -> None:
    away = file.parent.rename(_own(file.parent))
    time.sleep(chance.random() / 200)
    away.rename(file.parent)


def folder_replaced(file: Path, *_: object) -> None:
    copy = shutil.copytree(file.parent, _own(file.parent))
    old = file.parent.rename(f"{copy}.old")
    copy.rename(file.parent)
    shutil.rmtree(old)


def folder_deleted(file: Path, text: str, _: random.Random) -> None:
    shutil.rmtree(file.parent, ignore_errors=True)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


SAVES = [
    *(in_place, in_two_chunks, truncated_then_written, replaced, moved_in, deleted, recreated, touched, written_again),
    *(folder_renamed_and_back, folder_replaced, folder_deleted),
]


def _own(path: Path) -> Path:
    return path.with_name(f"{path.name}.{threading.get_ident()}")


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


class Reader:
    """Knows of each file what it held when it was last told."""

    def __init__(self, files: list[Path], polling: bool) -> None:
        self.watcher = Watcher(self._read, quiet=0.005, cap=0.05, polling=polling)
        self.known = {file: _read(file) for file in files}
        self.watcher.watch(files)

    def _read(self, files: frozenset[Path]) -> None:
        for file in files:
            self.known[file] = content = _read(file)
            self.watcher.used({file: None if content is None else xxhash.xxh3_128_hexdigest(content)})


def _write(files: list[Path], seed: str, end: float) -> None:
    chance, number = random.Random(seed), 0
    while time.monotonic() < end:
        number += 1
        with contextlib.suppress(OSError):  # another one is at the same file
            chance.choice(SAVES)(chance.choice(files), f"{seed} {number}", chance)
        time.sleep(chance.random() / 50)


@pytest.mark.parametrize("source", ["inotify", "observer", "polling"])
def test_in_the_end_all_is_known(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually) -> None:
    if source == "observer":
        monkeypatch.setattr(watcher, "open_source", ObserverSource)
    seed = random.randrange(10**6)
    print("seed", seed)
    files = [tmp_path / name for name in ("a/1", "a/2", "b/1", "b/c/1", "d/1")]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
    for number in range(2):
        reader = Reader(files, polling=source == "polling")
        with reader.watcher:
            end = time.monotonic() + 0.5
            writers = [threading.Thread(target=_write, args=(files, f"{seed} {number} {i}", end)) for i in range(8)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            eventually(lambda known=reader.known: known == {file: _read(file) for file in files})
        assert reader.watcher.error is None
