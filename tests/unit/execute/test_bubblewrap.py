"""Programs behind bubblewrap: what they see, what stays with them, and that they go with their starter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from hotplate.execute.workers.bubblewrap import arguments, code_behind, wrapped
from hotplate.execute.workers.policy import Level, Policy

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def prefix() -> tuple[str, ...]:
    """Behind which a strict policy starts its workers."""
    return works(Policy.strict())


def works(policy: Policy, also_readable: Sequence[Path] = ()) -> tuple[str, ...]:
    if sys.platform != "linux":
        pytest.skip("bubblewrap is Linux's")
    prefix, reason = wrapped(policy, os.environ, also_readable)
    if reason:
        pytest.skip(reason)
    return prefix


def shell(prefix: Sequence[str], line: str, *words: str, pass_fds: Sequence[int] = ()) -> str:
    command = [*prefix, SH, "-c", line, "sh", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, pass_fds=pass_fds, timeout=20)
    return done.stdout.strip()


SH = "/usr/bin/sh"  # /bin is a link on many systems, and not among what is bound


READS = 'cat "$1" 2>/dev/null || echo nothing'


def test_files_outside_do_not_exist(prefix: tuple[str, ...], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret", "utf-8")
    assert shell((), READS, str(secret)) == "s3cret"
    assert shell(prefix, READS, str(secret)) == "nothing"
    assert shell(works(Policy.strict(), [secret]), READS, str(secret)) == "s3cret"


def test_only_what_is_listed_can_be_written(tmp_path: Path) -> None:
    for name in ("readable", "writable"):
        (tmp_path / name).mkdir()
    prefix = works(Policy.strict(readable=[tmp_path / "readable"], writable=[tmp_path / "writable"]))
    for name in ("readable", "writable"):
        shell(prefix, 'echo x > "$1/file"', str(tmp_path / name))
    assert [path.parent.name for path in tmp_path.glob("*/file")] == ["writable"]


def test_other_processes_do_not_exist(prefix: tuple[str, ...]) -> None:
    exists = '[ -d "/proc/$1" ] && grep -q "$2" "/proc/$1/cmdline" && echo there || echo gone'
    me = str(os.getpid()), "pytest"
    assert shell((), exists, *me) == "there"
    assert shell(prefix, exists, *me) == "gone"
    assert shell(works(Policy(peers=Level.REQUIRE)), exists, *me) == "gone"


def test_there_is_no_way_to_a_server(tmp_path: Path) -> None:
    connects = f'"{sys.executable}" -c "import socket; socket.create_connection((\'127.0.0.1\', $1))" 2>&1 && echo yes'
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert shell((), connects, port) == "yes"
        assert "refused" in shell(works(Policy(network=Level.REQUIRE)), connects, port)


def test_descriptors_and_the_process_group_stay(prefix: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    shell(prefix, 'echo word > "/proc/self/fd/$1"', str(writer), pass_fds=[writer])
    os.close(writer)
    with os.fdopen(reader, "rb") as received:
        assert received.read() == b"word\n"
    assert "--new-session" not in prefix


@pytest.mark.parametrize(("line", "code"), [("exit 3", 3), ("kill -XCPU $$", -24), ("kill -KILL $$", -9)])
def test_how_its_program_ended_can_be_told(prefix: tuple[str, ...], line: str, code: int) -> None:
    done = subprocess.run([*prefix, SH, "-c", line], check=False, timeout=20)
    assert code_behind(done.returncode) == code


def test_a_killed_bubblewrap_takes_its_program_along(prefix: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    command = [*prefix, SH, "-c", 'echo > "/proc/self/fd/$1"; exec sleep 20', "sh", str(writer)]
    process = subprocess.Popen(command, pass_fds=[writer])
    os.close(writer)
    assert os.read(reader, 1) == b"\n"  # one that is killed while it starts leaves it to its group's killer
    process.kill()
    process.wait()
    assert os.read(reader, 1) == b""  # the end of the pipe, once nobody holds the other one
    os.close(reader)


def test_nothing_is_closed_that_is_allowed() -> None:
    assert arguments(Policy()) == ("--die-with-parent", "--dev-bind", "/", "/", "--chdir", "/")


def test_each_path_is_bound_once() -> None:
    path = PurePosixPath("/a")
    words = arguments(Policy.strict(readable=[path]), [path])
    assert words.count("/a") == 2  # here and there


def test_where_it_is_missing_there_is_a_reason(tmp_path: Path) -> None:
    assert wrapped(Policy.strict(), {"PATH": str(tmp_path)}) == ((), "bubblewrap is not installed")


def test_one_that_does_not_work_is_not_used(tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho no permission >&2\nexit 1\n", "utf-8")
    broken.chmod(0o755)
    if sys.platform == "win32":
        pytest.skip("programs have other names")
    reason = wrapped(Policy.strict(), {"PATH": str(tmp_path)})[1]
    assert reason == "bubblewrap does not work here: no permission"
