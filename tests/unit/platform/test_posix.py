"""Files that appear at once, locks that die with their holder, and process trees."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from hotplate import _platform

if TYPE_CHECKING:
    from pathlib import Path


def folder_with(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def test_a_directory_is_published_once(tmp_path: Path) -> None:
    final = tmp_path / "final"
    assert _platform.publish_directory(folder_with(tmp_path / "a", "first"), final)
    second = folder_with(tmp_path / "b", "second")
    assert not _platform.publish_directory(second, final)
    assert (final / "file").read_text() == "first"
    assert second.is_dir()


def test_replacing_a_file_keeps_those_who_have_it_open(tmp_path: Path) -> None:
    final, temporary = tmp_path / "final", tmp_path / "temporary"
    final.write_text("old")
    temporary.write_text("new")
    with final.open() as reader:
        _platform.replace_file(temporary, final)
        assert reader.read() == "old"
    assert final.read_text() == "new"


def test_removing_a_tree_does_not_follow_links(tmp_path: Path) -> None:
    outside = folder_with(tmp_path / "outside", "kept")
    tree = folder_with(tmp_path / "tree", "gone")
    (tree / "link").symlink_to(outside)
    _platform.remove_tree(tree)
    _platform.remove_tree(tree)
    assert not tree.exists()
    assert (outside / "file").exists()


def test_a_lock_keeps_other_threads_out(tmp_path: Path) -> None:
    order = []

    def second() -> None:
        with _platform.lock(tmp_path / "lock"):
            order.append("second")

    with _platform.lock(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_waiting_for_a_lock_can_be_given_up(tmp_path: Path) -> None:
    with _platform.lock(tmp_path / "lock"), _platform.lock(tmp_path / "lock", lambda: True) as held:
        assert not held


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from hotplate import _platform\n"
        "with _platform.lock(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with _platform.lock(tmp_path / "lock", lambda: True) as held:
            assert not held
        holder.kill()
        holder.wait()
        with _platform.lock(tmp_path / "lock", lambda: True) as held:
            assert held


def test_a_held_directory_is_known_as_such(tmp_path: Path) -> None:
    with _platform.hold_directory(tmp_path) as first, _platform.hold_directory(tmp_path) as second:
        assert (first, second) == (True, False)
    with _platform.hold_directory(tmp_path) as again:
        assert again


def test_killing_a_tree_reaches_grandchildren() -> None:
    process = _platform.spawn(["sh", "-c", "sleep 600 & echo $!; wait"])
    assert process.stdout
    child = int(process.stdout.readline())
    _platform.kill_tree(process)
    deadline = time.monotonic() + 10
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not _alive(child)
    assert process.returncode is not None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], check=False, capture_output=True, text=True)
    return not done.stdout.strip().startswith("Z") and bool(done.stdout.strip())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_processor_has_a_stable_name() -> None:
    code = "from hotplate._platform import cpu_identity; print(cpu_identity())"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environ)
    assert done.stdout.strip() == _platform.cpu_identity()
