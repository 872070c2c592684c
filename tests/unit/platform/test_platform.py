"""What every system does alike: files that appear at once, locks that die with their holder, process trees."""

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

ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def folder_with(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "file").write_text(content)
    return path


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=ENVIRON)


# ---- files ----


def test_a_directory_is_published_once(tmp_path: Path) -> None:
    final = tmp_path / "final"
    assert _platform.publish_directory(folder_with(tmp_path / "a", "first"), final)
    second = folder_with(tmp_path / "b", "second")
    assert not _platform.publish_directory(second, final)
    assert (final / "file").read_text() == "first"
    assert second.is_dir()


def test_a_replaced_file_has_the_new_content(tmp_path: Path) -> None:
    final, temporary = tmp_path / "final", tmp_path / "temporary"
    final.write_text("old")
    temporary.write_text("new")
    _platform.replace_file(temporary, final)
    assert final.read_text() == "new"
    assert not temporary.exists()


def test_a_tree_is_removed_and_what_is_not_there_is_fine(tmp_path: Path) -> None:
    tree = folder_with(tmp_path / "tree", "gone")
    folder_with(tree / "inner", "gone")
    for _ in range(2):
        _platform.remove_tree(tree)
        assert not tree.exists()


def test_a_retired_file_is_gone(tmp_path: Path) -> None:
    file = folder_with(tmp_path / "folder", "old") / "file"
    assert _platform.retire_file(file)
    assert _platform.retire_file(file)
    assert list(file.parent.iterdir()) == []


def test_a_retired_directory_is_gone(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "folder", "old")
    _platform.retire_tree(folder, tmp_path / "aside")
    assert list(tmp_path.iterdir()) == []


def test_content_can_be_brought_to_the_disk(tmp_path: Path) -> None:
    folder_with(tmp_path / "folder", "kept")
    _platform.fsync_file(tmp_path / "folder" / "file")
    _platform.fsync_directory(tmp_path / "folder")


# ---- locks ----


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
    with run_python(code, str(tmp_path / "lock")) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with _platform.lock(tmp_path / "lock", lambda: True) as held:
            holder.kill()
            assert not held
        holder.wait()
        with _platform.lock(tmp_path / "lock", lambda: True) as held:
            assert held


def test_a_held_directory_is_known_as_such(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "folder", "")
    with _platform.hold_directory(folder) as first, _platform.hold_directory(folder) as second:
        assert (first, second) == (True, False)
    with _platform.hold_directory(folder) as again:
        assert again


def test_a_held_directory_can_be_published_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "folder", "")
    with _platform.hold_directory(folder):
        assert _platform.publish_directory(folder, tmp_path / "final")
    assert list(tmp_path.iterdir()) == [tmp_path / "final"]


def test_a_directory_that_is_not_there_can_not_be_held(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), _platform.hold_directory(tmp_path / "none"):
        pass


# ---- processes ----


def test_all_that_a_program_prints_is_read() -> None:
    code = "import sys; print('x' * 200_000); print('told', file=sys.stderr)"
    process = _platform.spawn([sys.executable, "-c", code])
    try:
        output = _platform.read_output(process, lambda: False)
        assert output is not None
        assert output.count(b"x") == 200_000
        assert b"told" in output
        assert process.wait() == 0
    finally:
        _platform.kill_tree(process)


def test_reading_ends_when_it_is_cancelled() -> None:
    process = _platform.spawn([sys.executable, "-c", "import time; time.sleep(600)"])
    assert _platform.read_output(process, lambda: True) is None
    _platform.kill_tree(process)
    assert process.returncode != 0


GRANDPARENT = (
    "import subprocess, sys, time; code = 'import time; time.sleep(600)'\n"
    "child = subprocess.Popen([sys.executable, '-c', code]); print(child.pid, flush=True); time.sleep(600)"
)


def test_killing_a_tree_reaches_grandchildren() -> None:
    process = _platform.spawn([sys.executable, "-c", GRANDPARENT])
    assert process.stdout
    child = int(process.stdout.readline())
    assert is_alive(child)
    _platform.kill_tree(process)
    wait_for_end(child)
    assert process.returncode is not None


def wait_for_end(process: int) -> None:
    deadline = time.monotonic() + 20
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert not is_alive(process)


def is_alive(process: int) -> bool:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x00100000, False, process)  # SYNCHRONIZE
        ended = not handle or kernel.WaitForSingleObject(handle, 0) == 0
        kernel.CloseHandle(handle)
        return not ended
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], check=False, capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def test_a_thread_is_listed_by_its_number() -> None:
    if not _platform.native_threads():
        pytest.skip("this system does not list threads")
    assert threading.get_native_id() in _platform.native_threads()


# ---- the machine ----


def test_the_processor_has_a_stable_name() -> None:
    with run_python("from hotplate._platform import cpu_identity; print(cpu_identity())") as process:
        assert process.stdout
        assert process.stdout.read().strip() == _platform.cpu_identity()


def test_vector_instructions_are_named_as_visual_cpp_names_them() -> None:
    assert _platform.vector_level() in {"AVX512", "AVX2", "AVX", ""}


def test_what_cells_print_can_be_sent_to_stderr() -> None:
    code = (
        "import ctypes, os, sys; from hotplate import _platform\n"
        "libc = ctypes.CDLL('msvcrt' if sys.platform == 'win32' else None)\n"
        "undo = _platform.divert_stdout(); libc.puts(b'cell'); os.write(1, b'python')\n"
        "_platform.flush_c_streams(); undo(); libc.puts(b'after'); _platform.flush_c_streams()"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRON, check=True)
    assert done.stdout == "after\n"
    assert sorted(done.stderr.split()) in (["cell", "python"], ["pythoncell"])
