"""What the store says when it can't be used, and that a run goes on when it can't be recorded."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import apsw
import numpy as np
import pytest

from hotplate._platform.filesystems import Mounts
from hotplate.errors import StoreError
from hotplate.execute import OutcomeKind
from hotplate.run.store import RunDescription, RunState, RunStore, connection, writer
from hotplate.run.store.place import default_folder, prepare
from hotplate.run.store.schema import MIGRATIONS, migrate
from hotplate.run.store.tally import Tally
from tests.unit.run.store.samples import CELLS, compute, database, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotplate.events import Event

RUN = "a" * 12


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # whatever is still open there


# ---- what can't be opened ----


def test_a_directory_that_can_not_be_written_is_refused(small_disk: Path) -> None:
    RunStore.open(small_disk).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=rf"{small_disk}.*Read-only.*make it writable, or set HOTPLATE_RUNS_DIR"):
        RunStore.open(small_disk)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_directory_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="HOTPLATE_RUNS_DIR"):
        RunStore.open(tmp_path / "\udcff")


def test_a_file_in_the_directory_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(StoreError, match=r"runs can't be written: .* HOTPLATE_RUNS_DIR"):
        RunStore.open(tmp_path / "runs")


def test_who_only_looks_makes_no_store_where_there_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "no" / "runs"
    with pytest.raises(StoreError, match=r"no recorded runs in .*runs; `hotplate run FILE` .* HOTPLATE_RUNS_DIR"):
        RunStore.open(folder, create=False)
    assert not folder.parent.exists()
    RunStore.open(folder).close()
    RunStore.open(folder, create=False).close()


@pytest.mark.parametrize("damage", ["not a database at all, but long enough", "SQLite format 3\0 and nonsense"])
def test_a_damaged_file_is_left_alone_and_the_way_out_is_told(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_text(damage * 100)
    with pytest.raises(StoreError, match=r"runs\.db is damaged.*move it aside.*\.recover.*HOTPLATE_RUNS_DIR"):
        RunStore.open(tmp_path)
    assert file.read_text() == damage * 100
    assert list((tmp_path / "tmp").iterdir()) == []
    file.rename(tmp_path / "aside")
    RunStore.open(tmp_path).close()


def test_a_file_of_a_later_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    RunStore.open(tmp_path).close()
    with database(tmp_path) as opened:
        opened.pragma("user_version", 99)
    with pytest.raises(StoreError, match=r"is of version 99, and this hotplate knows .* up to \d+: use the newer"):
        RunStore.open(tmp_path)


def test_a_disk_that_other_machines_share_is_refused(tmp_path: Path) -> None:
    mounts = Mounts(f"28 0 1:1 / / rw - ext4 d rw\n30 28 0:3 / {tmp_path.resolve()} rw - nfs4 server:/ rw\n")
    with pytest.raises(StoreError, match=r"other machines share \(nfs4\).*HOTPLATE_RUNS_DIR"):
        prepare(tmp_path / "runs", mounts)
    assert not (tmp_path / "runs").exists()


def test_the_place_can_be_chosen_and_is_the_platform_s_otherwise(tmp_path: Path) -> None:
    assert default_folder({"HOTPLATE_RUNS_DIR": str(tmp_path)}) == tmp_path
    assert default_folder({}).parts[-2:] == ("hotplate", "runs")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_nobody_else_may_look_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    before = os.umask(0)
    try:
        with RunStore.open(folder) as store:
            recording = store.begin(RunDescription(RUN, "x.c"), CELLS)
            compute(recording, "u0", np.arange(2000.0))
            recording.flush()
            for path in [folder, *folder.rglob("*")]:
                assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
            assert {"runs.db", "runs.db-wal", "runs.db-shm", "logs"} <= {path.name for path in folder.iterdir()}
    finally:
        os.umask(before)


# ---- what fails while a run goes on ----


def test_a_value_that_the_disk_has_no_room_for_is_left_out_and_the_rest_is_recorded(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with RunStore.open(small_disk) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), [*CELLS, "u3"])
        told: list[int] = []
        recording.announce(lambda happened: told.append(happened.sequence))
        compute(recording, "u0", 1.5)
        compute(recording, "u1", np.arange(200_000.0))
        compute(recording, "u2", np.arange(2_000.0))
        recording.event(event(1))
        recording.flush()
        compute(recording, "u3", np.arange(300_000.0))
        recording.event(event(2))
        recording.end(RunState.DONE)
        assert recording.error is None
        assert told == [1, 2]
        assert re.match(
            rf"the value of u1 is not kept: no space left on device for {small_disk}/artifacts/\S*\.npy; "
            r"free some, or set HOTPLATE_RUNS_DIR .*, and 1 more$",
            recording.lacking,
        )
        assert [entry.getMessage().partition(" is not kept")[0] for entry in caplog.records] == ["the value of u1"]
        assert list(small_disk.glob("tmp/*/*")) == []
        record = store.find_run(RUN)
        assert record.summary.state is RunState.DONE
        assert {cell: result.value.problem for cell, result in record.results.items()} == {
            "u0": "", "u1": "no space left on device", "u2": "", "u3": "no space left on device",
        }  # fmt: skip
        assert [store.load(result.value) is None for result in record.results.values()] == [False, True, False, True]


def test_a_value_that_was_given_and_has_no_room_is_not_there_and_the_run_is_recorded(small_disk: Path) -> None:
    with RunStore.open(small_disk) as store:
        recording = store.begin(RunDescription(RUN, "x.c", given={"x": np.arange(200_000.0)}), CELLS)
        compute(recording, "u0", 1.5)
        recording.end(RunState.DONE)
        assert "a value that was given is not kept: no space left" in recording.lacking
        record = store.find_run(RUN)
        assert (record.summary.state, list(record.results)) == (RunState.DONE, ["u0"])
        assert store.load(record.given["x"]) is None


def test_a_full_database_is_told_like_a_full_disk(small_disk: Path) -> None:
    with RunStore.open(small_disk) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), CELLS)
        for number in range(1000):
            recording.event(event(number, text="x" * 4000))
        recording.flush()
        assert "free some space" in str(recording.error)
        with pytest.raises(StoreError, match=r"can't be written: .*free some space"):
            store.begin(RunDescription("b" * 12, "x.c"), ["cell"] * 1_000_000)


def test_a_tally_that_can_not_grow_ends_the_recording_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Tally, "grow", full)
    with RunStore.open(tmp_path) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), CELLS)
        recording.begun("surprise", 1)
        assert "free some space" in str(recording.error)
        recording.end(RunState.DONE)
        assert store.runs()[0].state is RunState.LOST


def test_a_store_that_another_process_does_not_let_go_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY", 50)
    with RunStore.open(tmp_path) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), CELLS)
        recording.flush()
        with database(tmp_path) as other:
            other.execute("BEGIN IMMEDIATE")
            compute(recording, "u0", 1.5)
            recording.flush()
        assert "in another process's hands" in str(recording.error)


def test_a_subscriber_may_record_whatever_else_is_pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CAPACITY", 2)
    with RunStore.open(tmp_path) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), CELLS)

        def answer(happened: Event) -> None:
            if happened.sequence <= 50:
                for part in (1, 2, 3):
                    recording.event(event(100 * part + happened.sequence))

        recording.announce(answer)
        for number in range(1, 51):
            recording.event(event(number))
        recording.end(RunState.DONE)
        assert recording.error is None
        assert len(store.events(RUN)) == 200


def test_runs_that_wait_for_room_hold_up_neither_each_other_nor_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CAPACITY", 1)
    told: dict[str, list[int]] = {letter * 12: [] for letter in "abc"}

    def record(store: RunStore, run: str) -> None:
        recording = store.begin(RunDescription(run, "x.c"), CELLS)
        recording.announce(lambda happened: told[run].append(happened.sequence))
        for number in range(1, 301):
            recording.event(event(number))
        recording.end(RunState.DONE)

    with RunStore.open(tmp_path) as store, ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(record, store, run) for run in told]:
            done.result(timeout=60)
        for run, numbers in told.items():
            assert numbers == [happened.sequence for happened in store.events(run)] == list(range(1, 301))


def test_what_comes_after_the_store_was_closed_is_announced_and_not_recorded(tmp_path: Path) -> None:
    told: list[int] = []
    with RunStore.open(tmp_path) as store:
        recording = store.begin(RunDescription(RUN, "x.c"), CELLS)
        recording.announce(lambda happened: told.append(happened.sequence))
    recording.finished("u0", OutcomeKind.OK, value=1)
    recording.event(event(1))
    recording.flush()
    recording.end(RunState.DONE)
    assert told == [1]
    assert "was closed" in str(recording.error)


def test_a_process_that_ends_in_order_records_what_is_pending(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hotplate.run.store import RunDescription, RunStore\n"
        "from hotplate.execute import OutcomeKind\n"
        "store = RunStore.open(Path(sys.argv[1]))\n"
        "recording = store.begin(RunDescription('a' * 12, 'x.c'), ['u0'])\n"
        "recording.finished('u0', OutcomeKind.OK, value=1)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environ)
    with RunStore.open(tmp_path) as store:
        record = store.find_run(RUN)
        assert record.summary.state is RunState.LOST
        assert record.results["u0"].status == "ok"


# ---- versions ----


def test_a_file_of_an_earlier_version_becomes_one_of_this_with_all_that_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    with database(tmp_path) as opened:
        migrate(opened, file, MIGRATIONS)
        opened.execute("INSERT INTO artifact VALUES ('x.npy', 3)")
        later = (*MIGRATIONS, "ALTER TABLE artifact ADD COLUMN used REAL NOT NULL DEFAULT 0", "CREATE TABLE more (x)")
        migrate(opened, file, later)
        assert list(opened.execute("SELECT * FROM artifact")) == [("x.npy", 3, 0.0)]
        assert opened.pragma("user_version") == len(later)
        migrate(opened, file, later)


def test_the_events_of_a_file_of_the_first_version_are_still_there(tmp_path: Path) -> None:
    when = 1763765000.1234567
    with database(tmp_path) as opened:
        migrate(opened, tmp_path / "runs.db", MIGRATIONS[:1])
        for number in (2, 1, 3):
            row = (RUN, number, "cell_started", when + number, "u0", 1, '{"ok": true}')
            opened.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    with RunStore.open(tmp_path) as store:
        expected = [(RUN, number, when + number, {"ok": True}) for number in (1, 2, 3)]
        assert [(told.run, told.sequence, told.time, told.data) for told in store.events(RUN)] == expected


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    with database(tmp_path) as opened:
        migrate(opened, file, MIGRATIONS)
        broken = (*MIGRATIONS, "CREATE TABLE more (x)", "CREATE TABLE run (x)")
        with pytest.raises(apsw.SQLError):
            migrate(opened, file, broken)
        assert opened.pragma("user_version") == len(MIGRATIONS)
        assert not list(opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'"))
