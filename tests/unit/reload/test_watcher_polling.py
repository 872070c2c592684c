"""Where no events come, files are polled; how that is found out."""

from __future__ import annotations

import errno
import functools
import os
import subprocess
import sys
from textwrap import dedent, indent
from typing import TYPE_CHECKING

import pytest

from hotplate._platform.filesystems import Mounts
from hotplate.reload import contents, watcher
from hotplate.reload.contents import first_look, look
from hotplate.reload.directories import Directories
from hotplate.reload.sources import InotifySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.reload import Watcher

    Watch = Callable[..., Watcher]

DESKTOP = r"""
22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 0 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
31 28 0:26 / /tmp rw shared:12 - tmpfs tmpfs rw
97 28 0:45 / /home/ann/server rw,nosuid,nodev - fuse.sshfs ann@server:/srv rw,user_id=1000
98 28 0:46 / /mnt/my\040nas rw shared:52 - cifs //nas/my\040files rw,vers=3.1.1
99 28 0:47 / /mnt/windows rw - fuseblk /dev/sda1 rw
60 28 0:40 / /net rw - autofs systemd-1 rw,fd=29
61 60 0:41 / /net rw - nfs4 files:/export rw,vers=4.2
62 61 0:42 / /net/scratch rw - xfs /dev/sdb rw
"""
WSL = r"""
60 72 0:27 / /mnt/wsl rw,relatime shared:1 - tmpfs none rw
72 61 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard
118 72 0:66 / /mnt/c rw,noatime - 9p C:\134 rw,aname=drvfs;path=C:\;uid=1000
"""
CONTAINER = """
668 561 0:60 / / rw,relatime master:218 - overlay overlay rw,lowerdir=/var/lib/docker
700 668 0:71 /Users/ann/project /work rw,relatime - fakeowner /run/host_mark/Users rw
701 668 0:72 / /vagrant rw - vboxsf vagrant rw
702 668 0:73 /data /data rw - virtiofs share rw
"""


@pytest.mark.parametrize(
    ("mounts", "directory", "silent"),
    [
        (DESKTOP, "/home/ann", False),
        (DESKTOP, "/tmp/pytest", False),
        (DESKTOP, "/home/ann/server", True),
        (DESKTOP, "/home/ann/server/src", True),
        (DESKTOP, "/home/ann/server2", False),
        (DESKTOP, "/mnt/my nas/src", True),
        (DESKTOP, "/mnt/windows", False),
        (DESKTOP, "/net/home", True),
        (DESKTOP, "/net/scratch/a", False),
        (WSL, "/home/ann", False),
        (WSL, "/mnt/c/Users", True),
        (CONTAINER, "/", False),
        (CONTAINER, "/work/src", True),
        (CONTAINER, "/vagrant", True),
        (CONTAINER, "/data", True),
        ("", "C:\\notebooks", False),
    ],
)
def test_the_type_of_a_file_system_says_whether_it_is_silent(mounts: str, directory: str, silent: bool) -> None:
    assert Mounts(mounts).silent(directory) is silent


def test_the_mounts_of_this_machine_are_read(tmp_path: Path) -> None:
    assert Mounts.read().silent(str(tmp_path)) is False


def test_files_on_a_silent_file_system_are_polled_and_no_others(
    tmp_path: Path, fence: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = tmp_path / "u.h", tmp_path / "server" / "u.h"
    far.parent.mkdir()
    recorded = Mounts(f"28 0 1:1 / / rw - ext4 d rw\n30 28 0:3 / {far.parent} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(watcher, "Directories", functools.partial(Directories, mounts=lambda: recorded))
    assert watch(near, far).polled == {far}


def test_polling_can_be_asked_for(tmp_path: Path, fence: Path, watch: Watch) -> None:
    file = tmp_path / "u.h"
    assert watch(file, polling=True).polled == {file, fence}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_directory_that_can_not_be_watched_is_polled(
    code: int, tmp_path: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "full" / "u.h"
    file.parent.mkdir()

    class Full(InotifySource):
        def watch(self, directory: str) -> None:
            if directory == str(file.parent):
                raise OSError(code, os.strerror(code))
            super().watch(directory)

    monkeypatch.setattr(watcher, "open_source", Full)
    assert watch(file).polled == {file}
    file.write_text("1")
    told.until(file)
    assert ("max_user_watches" in caplog.text) == (code == errno.ENOSPC)


def test_at_the_limit_of_descriptors_all_files_are_polled(tmp_path: Path) -> None:
    script = """
        import os, resource, sys, threading
        from pathlib import Path
        from hotplate.reload import Watcher
        import watchdog.observers.inotify_c
        file, told = Path(sys.argv[1]), threading.Event()
        running = Watcher(lambda files: told.set(), quiet=0.01)
        running.watch([file])
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = os.open("/", os.O_RDONLY)
        os.close(used)
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, limit[1]))
        running.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        file.write_text("1")
        assert told.wait(30)
        assert running.polled == {file}
        running.stop()
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", dedent(script), str(tmp_path / "u.h")]
    done = subprocess.run(command, check=True, env=env, stderr=subprocess.PIPE, text=True)
    assert "max_user_instances" in done.stderr


AS_NOBODY = """
    import os, tempfile, threading
    from pathlib import Path
    from hotplate.reload import Watcher, watcher
    import watchdog.observers.inotify_c
    if os.getuid() == 0:
        os.setuid(65534)  # root may read anything
    told = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "u.h")
        running = Watcher(lambda files: told.set(), quiet=0.01)
"""


def run_as_nobody(script: str) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", dedent(AS_NOBODY) + indent(dedent(script), " " * 4)], check=True, env=env)


def test_a_folder_whose_entries_may_not_be_listed_is_polled() -> None:
    run_as_nobody("""
        file.parent.chmod(0o300)
        running.watch([file])
        with running:
            file.write_text("1")
            assert told.wait(30)
            assert running.polled == {file}
        file.parent.chmod(0o700)
    """)


def test_a_file_that_one_may_read_at_last_is_told() -> None:
    run_as_nobody("""
        watcher._SWEEP = 1e6
        file.write_text("1")
        file.chmod(0)
        other = file.with_name("other.h")
        running.watch([file, other])
        with running:
            other.write_text("1")
            assert told.wait(30)
            told.clear()
            file.chmod(0o600)
            assert told.wait(30)
    """)


def test_when_events_end_all_files_are_polled(
    tmp_path: Path, told, watch: Watch, monkeypatch: pytest.MonkeyPatch, eventually
) -> None:
    ended = []
    monkeypatch.setattr(InotifySource, "alive", lambda _: not ended)
    monkeypatch.setattr(watcher, "_SWEEP", 0.02)
    file = tmp_path / "u.h"
    running = watch(file)
    assert running.error is None
    ended.append(True)
    eventually(lambda: running.polled)
    monkeypatch.setattr(watcher, "_SWEEP", 1e6)
    file.write_text("1")
    told.until(file)
    assert "polled" in str(running.error)


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "u.h"
    file.write_text("1")
    old = file.stat().st_mtime - 100
    os.utime(file, (old, old))
    seen = first_look(str(file))
    aged = contents.Look(seen.stamp, seen.digest, seen.since - 100)  # the time of the status can't be set
    assert look(str(file), aged) is aged


def test_a_change_within_one_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "u.h"
    file.write_text("1")
    seen = first_look(str(file))
    with file.open("r+") as out:
        out.write("2")
    same_stamp = contents.Look(contents.stamp_of(str(file)), seen.digest, seen.since)
    assert look(str(file), same_stamp).digest not in (None, seen.digest)
