"""Every way to save a file is told; what leaves its content as it was is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.reload import Watcher

    Watch = Callable[..., Watcher]
    Save = Callable[[Path], None]

NEW = "int two(void) { return 2; }\n"


def in_place(file: Path) -> None:
    file.write_text(NEW)


def in_two_chunks(file: Path) -> None:
    with file.open("w") as out:
        out.write(NEW[:9])
        out.flush()
        time.sleep(0.06)  # longer than the quiet time: the half is told, then the whole
        out.write(NEW[9:])


def truncated_then_written(file: Path) -> None:
    """Does what VS Code does on Linux."""
    descriptor = os.open(file, os.O_WRONLY)
    os.ftruncate(descriptor, 0)
    time.sleep(0.06)
    os.write(descriptor, NEW.encode())
    os.close(descriptor)


def without_closing(file: Path) -> None:
    descriptors.append(os.open(file, os.O_WRONLY | os.O_TRUNC))
    os.write(descriptors[-1], NEW.encode())


descriptors: list[int] = []


def deleted_then_recreated(file: Path) -> None:
    file.unlink()
    time.sleep(0.06)
    file.write_text(NEW)


def new_file_moved_over(file: Path) -> None:
    new = file.with_suffix(".new")
    new.write_text(NEW)
    subprocess.run(["mv", new, file], check=True)


def moved_in_from_elsewhere(file: Path) -> None:
    new = file.parent / "elsewhere" / "new"
    new.parent.mkdir()
    new.write_text(NEW)
    new.replace(file)


def copied_over_with_its_times(file: Path) -> None:
    new = file.with_suffix(".new")
    new.write_text(NEW)
    shutil.copystat(file, new)
    shutil.copy2(new, file)


def by_sed(file: Path) -> None:
    subprocess.run(["sed", "-i", "s/one/two/; s/1/2/", file], check=True)


def by_vim(*settings: str) -> Save:
    def save(file: Path) -> None:
        (file.parent / "backups").mkdir()
        command = ["vim", "-u", "NONE", "-i", "NONE", "-n", "-es", "-c", f"set {' '.join(settings)}"]
        command += ["-c", "%s/one/two/ | %s/1/2/ | wq", str(file)]
        subprocess.run(command, check=True, cwd=file.parent, stdin=subprocess.DEVNULL)

    return save


VIM = {
    "vim that writes the file itself": by_vim("backupcopy=yes", "backup"),
    "vim that moves the old one to its backup": by_vim("backupcopy=no", "backup"),
    "vim that decides": by_vim("backupcopy=auto", "writebackup"),
    "vim with backups elsewhere": by_vim("backupcopy=no", "backup", "backupdir=backups"),
}
SAVES = [
    in_place,
    in_two_chunks,
    truncated_then_written,
    without_closing,
    deleted_then_recreated,
    new_file_moved_over,
    moved_in_from_elsewhere,
    copied_over_with_its_times,
    by_sed,
]
vim_needed = pytest.mark.skipif(not shutil.which("vim"), reason="vim is not installed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "notebook.c"
    path.write_text("int one(void) { return 1; }\n")
    old = time.time() - 100
    os.utime(path, (old, old))
    return path


@pytest.mark.parametrize(
    "save",
    [*SAVES, *(pytest.param(save, id=name, marks=vim_needed) for name, save in VIM.items())],
)
def test_a_save_is_told(save: Save, file: Path, told, watch_anyhow: Watch) -> None:
    watch_anyhow(file)
    save(file)
    assert told.up_to_now() == {file}
    assert told.content[file] == NEW.encode()
    while descriptors:
        os.close(descriptors.pop())


def test_an_edit_through_a_symbolic_link_is_told(tmp_path: Path, file: Path, told, watch_anyhow: Watch) -> None:
    link = tmp_path / "links" / "linked.c"
    link.parent.mkdir()
    link.symlink_to("../notebook.c")
    watch_anyhow(link)
    link.write_text(NEW)
    assert told.until(link) == [{link}]


def touched(file: Path) -> None:
    file.touch()


def made_executable(file: Path) -> None:
    file.chmod(0o755)


def written_with_equal_bytes(file: Path) -> None:
    file.write_bytes(file.read_bytes())


def replaced_by_its_equal(file: Path) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(file.read_bytes())
    new.replace(file)


def moved_away_and_back(file: Path) -> None:
    away = file.with_suffix(".away")
    file.replace(away)
    time.sleep(0.06)
    away.replace(file)


def another_file_written(file: Path) -> None:
    file.with_suffix(".h").write_text(NEW)


@pytest.mark.parametrize(
    "action",
    [
        touched,
        made_executable,
        written_with_equal_bytes,
        replaced_by_its_equal,
        moved_away_and_back,
        another_file_written,
    ],
)
def test_what_leaves_the_content_is_not_told(action: Save, file: Path, told, watch_anyhow: Watch) -> None:
    watch_anyhow(file)
    action(file)
    assert told.up_to_now() == set()


def test_a_change_that_is_undone_within_the_quiet_time_is_not_told(file: Path, told, watch: Watch) -> None:
    watch(file, quiet=0.3)
    before = file.read_text()
    file.write_text(NEW)
    file.write_text(before)
    assert told.up_to_now() == set()


def test_a_deleted_file_is_told_once_and_so_is_its_return(file: Path, told, watch_anyhow: Watch) -> None:
    watch_anyhow(file)
    before = file.read_text()
    file.unlink()
    assert told.until(file) == [{file}]
    assert told.up_to_now() == set()
    file.write_text(before)
    assert told.until(file) == [{file}]


def test_an_emptied_file_is_told(file: Path, told, watch_anyhow: Watch) -> None:
    watch_anyhow(file)
    file.write_text("")
    assert told.until(file) == [{file}]


def test_a_file_that_becomes_readable_is_told(file: Path, told, watch_anyhow: Watch) -> None:
    file.unlink()
    file.mkdir()  # root may read everything but a folder
    watch_anyhow(file)
    file.rmdir()
    file.write_text(NEW)
    assert told.until(file) == [{file}]


def test_a_pipe_in_the_place_of_a_file_blocks_nothing(tmp_path: Path, told, watch_anyhow: Watch) -> None:
    pipe = tmp_path / "pipe.h"
    os.mkfifo(pipe)
    watch_anyhow(pipe)
    assert told.up_to_now() == set()
