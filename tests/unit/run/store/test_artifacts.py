"""Files of values: whole before they have a name, named before they have a row, gone when nobody needs them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate import _platform
from hotplate.run.store import RunDescription, RunState, RunStore, artifacts
from hotplate.run.store.content import Content, read_content
from hotplate.run.store.points import Point, listen
from tests.unit.run.store.samples import CELLS, compute, database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hotplate.run.store import Recording

    Begin = Callable[..., Recording]

RUN = "a" * 12
OTHER = "b" * 12
BIG = np.arange(2000.0)


@pytest.fixture
def at() -> Iterator[Callable[[Point, Callable[[], Any]], None]]:
    """Has something done when a point is reached for the first time: `at(Point.COMMITTED, action)`."""

    def listen_for(point: Point, action: Callable[[], Any]) -> None:
        left = [action]

        def reached(now: Point) -> None:
            if now is point and left:
                left.pop()()

        listen(reached)

    yield listen_for
    listen(None)


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_row(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, steps = begin(), []
    recording.flush()
    replace, fsync = _platform.replace_file, os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("bytes"), fsync(descriptor)))
    monkeypatch.setattr(_platform, "replace_file", lambda *paths: (steps.append("name"), replace(*paths)))
    monkeypatch.setattr(_platform, "fsync_directory", lambda folder: steps.append(f"entry in {folder.name[:2]}"))
    listen(lambda point: steps.append(point.name) if point in (Point.TRANSACTION_BEGUN, Point.ROWS_WRITTEN) else None)
    try:
        compute(recording, "u0", BIG)
        recording.flush()
    finally:
        listen(None)
    folder = Content.of(BIG).name[:2]
    published = ["bytes", "entry in ar", "name", f"entry in {folder}"]
    assert steps[:6] == [*published, "TRANSACTION_BEGUN", "ROWS_WRITTEN"]


def test_an_array_that_was_written_to_before_its_file_was_does_not_stand_for_what_it_was(
    begin: Begin, store: RunStore, at: Callable[..., Any]
) -> None:
    given = BIG.copy()
    at(Point.QUEUED, lambda: given.fill(7))
    first = begin("b" * 12, given={"u": given})
    first.flush()
    begin(RUN, given={"u": BIG}).end(RunState.DONE)
    loaded = store.load(store.find_run(RUN).given["u"])
    assert loaded is not None
    assert np.array_equal(loaded.value, BIG)
    first.end(RunState.DONE)


def test_a_file_that_another_process_removes_before_it_has_a_row_is_written_again(
    store: RunStore, begin: Begin, at: Callable[..., None]
) -> None:
    recording = begin()
    recording.flush()
    at(Point.TRANSACTION_BEGUN, lambda: [path.unlink() for path in store.folder.glob("artifacts/*/*")])
    compute(recording, "u0", BIG)
    recording.end(RunState.DONE)
    found = store.load(store.find_run(RUN).results["u0"].value)
    assert found is not None
    assert (found.value == BIG).all()


def test_a_file_that_gets_a_row_again_while_it_is_being_removed_stays(
    store: RunStore, recorded: Callable[..., str], at: Callable[..., None]
) -> None:
    recorded(RUN, u0=BIG)
    (file,) = store.folder.glob("artifacts/*/*")

    def add_row() -> None:
        with database(store.folder) as other:
            other.execute("INSERT INTO artifact VALUES (?, ?)", (file.name, file.stat().st_size))

    at(Point.ARTIFACTS_FORGOTTEN, add_row)
    store.delete(RUN)
    assert file.exists()


def test_what_a_dead_process_left_behind_is_swept_and_what_a_living_one_has_is_not(tmp_path: Path) -> None:
    with RunStore.open(tmp_path) as living:
        recording = living.begin(RunDescription(RUN, "x.c"), CELLS)
        compute(recording, "u0", BIG)
        recording.flush()
        before = {path for path in tmp_path.rglob("*") if "runs.db" not in path.name}
        left = [tmp_path / "tmp" / "dead", tmp_path / "artifacts" / "00", tmp_path / "tallies"]
        files = [folder / name for folder, name in zip(left, ["x", f"{'0' * 32}.npy", f"{RUN}-dead.1"], strict=True)]
        for file in files:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"x")
        RunStore.open(tmp_path).close()
        assert [file.exists() for file in files] == [False] * 3
        assert {path for path in tmp_path.rglob("*") if "runs.db" not in path.name} - before == {left[1]}
        recording.end(RunState.DONE)
        assert recording.error is None


@pytest.mark.parametrize(
    "array",
    [
        BIG, BIG[::2], np.zeros((0, 3)), np.array(1.5), np.zeros(3, "<M8[ns]"), np.array(["é"]),
        np.zeros(3, [("é", "i1"), ("y", ">f8", (2,))]), np.arange(8.0).reshape(2, 2, 2),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)  # fmt: skip
def test_the_file_of_an_array_is_one_that_numpy_writes(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    content = Content.of(array)
    path = tmp_path / content.name
    path.write_bytes(b"".join(content.pieces()))
    read = np.load(path, allow_pickle=False)
    assert (read.dtype, read.shape, read.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert read_content(path) is not None
    if array.size:
        mapped = np.load(path, mmap_mode="r")
        assert mapped.ctypes.data % 64 == 0


@pytest.mark.parametrize("cut", [0, 1, 8, 20, 60, 127, 128, 200, 16_127])
def test_a_file_that_was_cut_short_is_no_value(cut: int, tmp_path: Path) -> None:
    content = Content.of(BIG)
    path = tmp_path / content.name
    path.write_bytes(b"".join(content.pieces())[:cut])
    assert read_content(path) is None


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_file_with_a_byte_changed_is_no_value(place: int, tmp_path: Path) -> None:
    content = Content.of(BIG)
    path = tmp_path / content.name
    whole = bytearray(b"".join(content.pieces()))
    whole[place] ^= 0x55
    path.write_bytes(whole)
    read = read_content(path)
    # NumPy takes any version and any blanks of a header; what is read is right, or nothing.
    assert read is None or Content.of(read).name == content.name


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped can't be removed there")
def test_a_large_array_is_mapped_and_compared_all_the_same(tmp_path: Path) -> None:
    content = Content.of(np.arange(float(2 << 20)))
    path = tmp_path / content.name
    path.write_bytes(b"".join(content.pieces()))
    read = read_content(path)
    assert isinstance(read, np.ndarray)
    assert type(read) is np.ndarray
    assert (read == content.data).all()
    assert not read.flags.writeable
    assert isinstance(read.base, np.memmap)
    del read
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert read_content(path) is None
    os.truncate(path, path.stat().st_size - 1)
    assert read_content(path) is None


def test_a_value_that_was_read_is_not_read_again_to_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(artifacts, "read_content", lambda path: read.append(path.name) or read_content(path))
    for run in (RUN, OTHER):
        with RunStore.open(tmp_path) as store:
            if run == OTHER:
                store.load(store.find_run(RUN).results["u0"].value)
            recording = store.begin(RunDescription(run, "x.c"), CELLS)
            compute(recording, "u0", BIG)
            recording.end(RunState.DONE)
    assert len(read) == 1


def test_a_value_whose_file_can_not_be_read_for_a_while_is_not_forgotten(
    store: RunStore, recorded: Callable[..., str]
) -> None:
    recorded(RUN, u0=BIG)
    (file,) = store.folder.glob("artifacts/*/*")
    value = store.find_run(RUN).results["u0"].value
    aside = file.rename(file.with_name("aside"))
    file.mkdir()
    assert store.load(value) is None
    file.rmdir()
    aside.rename(file)
    found = store.load(value)
    assert found is not None
    assert (found.value == BIG).all()
    with database(store.folder) as opened:
        assert list(opened.execute("SELECT name FROM artifact")) == [(file.name,)]
