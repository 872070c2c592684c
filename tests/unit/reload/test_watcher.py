"""When the watcher tells, on which thread, and how it ends."""

from __future__ import annotations

import gc
import math
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
import xxhash

from hotplate.reload import Watcher, contents, watcher
from hotplate.reload.sources import InotifySource, ObserverSource
from hotplate.reload.watcher import Window

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Watch = Callable[..., Watcher]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notebook.c"
    path.write_text("1")
    return path


@pytest.mark.parametrize(
    ("touches", "due"),
    [
        ([], math.inf),
        ([10.0], 10.04),
        ([10.0, 10.03], 10.07),
        ([10.0, 10.3, 10.48], 10.5),
        ([10.0, 10.6], 10.5),
    ],
)
def test_a_burst_ends_when_it_is_quiet_or_too_long(touches: list[float], due: float) -> None:
    window = Window(quiet=0.04, cap=0.5)
    for now in touches:
        window.touch(now)
    assert window.due == pytest.approx(due)
    window.close()
    assert window.due == math.inf


@pytest.mark.parametrize("polling", [False, True])
def test_saves_that_never_pause_are_told(polling: bool, file: Path, told, watch: Watch) -> None:
    watch(file, quiet=0.2, cap=0.3, polling=polling)
    end = time.monotonic() + 30
    while not told.reports:
        assert time.monotonic() < end
        file.write_text(str(time.monotonic()))
        time.sleep(0.02)


def test_changes_between_watch_and_start_are_told(file: Path, told) -> None:
    with_new = file.with_name("new.h")
    started = Watcher(told)
    started.watch([file, with_new])
    file.write_text("2")
    with_new.write_text("1")
    with started:
        told.until(file, with_new)


def test_changes_right_after_watch_are_told(tmp_path: Path, told, watch: Watch) -> None:
    running = watch()
    for number in range(30):
        file = tmp_path / f"{number}" / "u.h"
        file.parent.mkdir()
        file.write_text("1")
        running.watch([file])
        file.write_text("2")
        told.until(file)


def test_the_callback_may_change_what_is_watched(file: Path, told, watch: Watch) -> None:
    included = file.with_name("included.h")

    def changed(files: frozenset[Path]) -> None:
        running.watch([file, included])
        told(files)

    running = Watcher(changed, quiet=0.01)
    running.watch([file])
    with running:
        file.write_text("2")
        told.until(file)
        included.write_text("1")
        told.until(included)


def test_changes_while_a_report_is_made_are_told_after_it(file: Path, fence: Path, watch: Watch) -> None:
    begun, go_on, reports, at_once = threading.Event(), threading.Event(), [], threading.Semaphore(1)
    other, threads = file.with_name("other.h"), set()

    def changed(files: frozenset[Path]) -> None:
        assert at_once.acquire(blocking=False)
        reports.append(files)
        threads.add(threading.current_thread())
        begun.set()
        if file in files:
            assert go_on.wait(30)
        at_once.release()

    running = Watcher(changed, quiet=0.01)
    running.watch([file, other])
    with running:
        file.write_text("2")
        assert begun.wait(30)
        file.write_text("3")
        other.write_text("2")
        time.sleep(0.05)  # longer than the quiet time: only the running call holds the next one back
        go_on.set()
        end = time.monotonic() + 30
        while frozenset({file, other}) != frozenset().union(*reports[1:]):
            assert time.monotonic() < end
            time.sleep(0.01)
    assert len(threads) == 1
    assert running.error is None


def test_an_error_of_the_callback_is_kept_and_watching_goes_on(file: Path, told, watch: Watch) -> None:
    failure = RuntimeError("the callback failed")

    def changed(files: frozenset[Path]) -> None:
        told(files)
        if file in files:
            raise failure

    running = watch(file, changed=changed)
    file.write_text("2")
    assert told.up_to_now() == {file}
    assert running.error is failure
    file.write_text("3")
    assert told.up_to_now() == {file}


def test_an_empty_file_is_told_only_if_it_stays_empty(file: Path, told, watch: Watch) -> None:
    watch(file)
    file.write_text("")
    time.sleep(0.05)
    file.write_text("1")
    assert told.up_to_now() == set()


def test_lost_events_are_made_up_for_by_looking_at_all_files(file: Path, told, watch: Watch, monkeypatch) -> None:
    sources: list[InotifySource] = []

    class Deaf(InotifySource):
        def __init__(self, report: Callable[[str, str], None]) -> None:
            super().__init__(lambda directory, name: None if name == file.name else report(directory, name))
            self.report = report
            sources.append(self)

    monkeypatch.setattr(watcher, "open_source", Deaf)
    watch(file)
    file.write_text("2")
    assert told.up_to_now() == set()
    sources[0].report("", "")  # as the kernel says it when its queue overflowed
    told.until(file)


def test_a_change_without_an_event_is_found_by_a_sweep(file: Path, told, watch: Watch, monkeypatch) -> None:
    hidden = file.parent / "hidden" / "hard-link.c"
    hidden.parent.mkdir()
    os.link(file, hidden)
    monkeypatch.setattr(watcher, "_SWEEP", 0.02)
    watch(file)
    hidden.write_text("written by its other name")
    told.until(file)


def threads_and_descriptors() -> set[threading.Thread | str]:
    """What there is of both. Fewer later is no fault: something of an earlier test may end only now."""
    gc.collect()
    return {*threading.enumerate(), *os.listdir("/proc/self/fd")}  # noqa: PTH208 - iterdir is slow to close its own


@pytest.mark.parametrize("source", [InotifySource, ObserverSource])
def test_nothing_is_left_after_stop(source: type, file: Path, told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "open_source", source)
    with Watcher(told) as first:  # what modules keep for good is there now
        first.watch([file])
    before = threads_and_descriptors()
    for number in range(3):
        running = Watcher(told, quiet=0.01)
        running.watch([file, file.parent / "missing" / "u.h"])
        running.start()
        file.write_text(str(number + 2))
        told.until(file)
        running.stop()
        running.stop()
        assert threads_and_descriptors() <= before
    file.write_text("after the end")
    assert told.reports == []


def test_the_callback_may_stop_the_watcher(file: Path, eventually) -> None:
    before = threads_and_descriptors()
    calls: list[frozenset[Path]] = []

    def changed(files: frozenset[Path]) -> None:
        calls.append(files)
        running.stop()

    running = Watcher(changed, quiet=0.01)
    running.watch([file])
    running.start()
    file.write_text("2")
    eventually(lambda: threads_and_descriptors() <= before)
    running.stop()
    assert calls == [{file}]


def test_many_threads_may_stop_it_while_files_change(file: Path, told) -> None:
    before = threads_and_descriptors()
    running = Watcher(told, quiet=0.0)
    running.watch([file])
    running.start()
    stopping = [threading.Thread(target=running.stop) for _ in range(4)]
    for number, thread in enumerate(stopping):
        file.write_text(str(number))
        thread.start()
    for thread in stopping:
        thread.join()
    reports = list(told.reports)
    file.write_text("after the end")
    assert threads_and_descriptors() <= before
    assert told.reports == reports


def test_nothing_is_told_once_it_is_stopped(file: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping: list[threading.Thread] = []

    def slow_look(*arguments: object) -> contents.Look:
        if not stopping:
            stop = threading.Thread(target=running.stop)
            stop.start()
            stopping.append(stop)
            time.sleep(0.05)
        return contents.look(*arguments)

    running = watch(file)
    monkeypatch.setattr(watcher, "look", slow_look)
    file.write_text("2")
    while not stopping:
        time.sleep(0.01)
    stopping[0].join()
    assert told.reports == []


def test_a_watcher_is_started_once(told) -> None:
    running = Watcher(told)
    with running, pytest.raises(RuntimeError, match="started once"):
        running.start()
    with pytest.raises(RuntimeError, match="started once"):
        running.start()
    never = Watcher(told)
    never.stop()
    with pytest.raises(RuntimeError, match="started once"):
        never.start()


def test_one_thread_serves_any_number_of_directories(tmp_path: Path, watch: Watch) -> None:
    before = threading.active_count()
    watch(*(tmp_path / f"{number}" / "u.h" for number in range(50)))
    assert threading.active_count() == before + 2


def test_a_plain_run_imports_no_watchdog() -> None:
    code = "import hotplate, hotplate.session, hotplate.reload, sys; assert 'watchdog' not in sys.modules"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def test_a_file_that_was_read_in_the_middle_of_a_save_is_told(file: Path, told, watch: Watch) -> None:
    running = watch(file)
    running.used({file: xxhash.xxh3_128_hexdigest(b"half of ")})
    assert told.until(file) == [{file}]
    running.used({file: xxhash.xxh3_128_hexdigest(file.read_bytes()), file.with_name("not-watched.h"): None})
    assert told.up_to_now() == set()
