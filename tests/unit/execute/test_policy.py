"""Policies: what makes sense, the bytes that a worker reads, and what it says of them."""

from __future__ import annotations

import errno
import struct
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import hotplate
from hotplate.errors import SettingError
from hotplate.execute.workers.enforced import EffectivePolicy, State, probe
from hotplate.execute.workers.environment import clean_environment
from hotplate.execute.workers.policy import CONTROLS, NATIVE_CONTROLS, Level, Policy
from hotplate.toolchain.process import run_compiler
from hotplate.toolchain.toolchain import Toolchain, source_directory

linux = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
A, B, C = (PurePosixPath(path) for path in ("/a", "/b b", "/ü"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "never"}, "network is 'never'; say allow, prefer or require"),
        ({"group": Level.ALLOW}, "group can't be allow"),
        ({"memory": Level.REQUIRE}, "memory is require, but memory_bytes is not set"),
        ({"memory_bytes": 1 << 30}, "memory_bytes means nothing while memory is allow"),
        ({"memory": Level.PREFER, "memory_bytes": 1000}, "memory_bytes is 1000; it is a whole number from 16777216 on"),
        ({"cpu": Level.PREFER, "cpu_seconds": 0}, "cpu_seconds is 0; it is a whole number from 1 on"),
        ({"cpu": Level.PREFER, "cpu_seconds": 1.5}, "cpu_seconds is 1.5"),
        ({"file_size": Level.PREFER, "file_bytes": True}, "file_bytes is True"),
        ({"file_size": Level.PREFER, "file_bytes": 1 << 64}, "file_bytes is 18446744073709551616"),
        ({"readable": (A,)}, "/a is listed, but filesystem is allow"),
        ({"filesystem": Level.PREFER, "writable": (PurePosixPath("a"),)}, "'a' is no absolute path"),
        ({"filesystem": Level.PREFER, "readable": (PurePosixPath("/a\0b"),)}, "is no absolute path"),
        ({"filesystem": Level.PREFER, "readable": ("/a",)}, "'/a' is no path; list it as pathlib.Path('/a')"),
        ({"variables": "DATA"}, "variables is 'DATA'; make it a tuple of names"),
        ({"variables": ("A=B",)}, "'A=B' is no name of a variable"),
        ({"variables": ("A",), "environment": Level.ALLOW}, "variables are listed, but environment is allow"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        Policy(**settings)
    assert message in str(refused.value)


def test_a_strict_policy_requires_everything() -> None:
    policy = Policy.strict(readable=[A])
    assert {policy.level(control) for control in CONTROLS} == {Level.REQUIRE}
    assert (policy.readable, policy.writable) == ((A,), ())


def test_too_many_paths_are_refused() -> None:
    policy = Policy.strict(readable=[PurePosixPath("/", "x" * 90, str(number)) for number in range(90)])
    with pytest.raises(SettingError, match="8192 is the most; list directories instead"):
        policy.pack()


_ECHO = r"""
#include "worker/sandbox.h"
#include <stdio.h>
int main(void) {
    static char bytes[sizeof(hp_policy) + 1];
    hp_policy policy;
    if (hp_policy_read(&policy, bytes, fread(bytes, 1, sizeof bytes, stdin)) != 0) return 1;
    for (int i = 0; i < HP_CONTROLS; i++) printf("%s=%u\n", hp_control_name(i), policy.level[i]);
    printf("%llu %llu %llu\n", (unsigned long long)policy.memory_bytes, (unsigned long long)policy.cpu_seconds,
           (unsigned long long)policy.file_bytes);
    for (unsigned i = 0; i < policy.readable_size + policy.writable_size; i++)
        putchar(policy.paths[i] ? policy.paths[i] : '|');
    printf("\n%u", policy.readable_size);
    return 0;
}
"""


@linux
def test_the_worker_reads_the_bytes_of_a_policy(tmp_path: Path) -> None:
    """The layout is the C compiler's: every field has a value of its own, and all of them come through."""
    policy = Policy(
        filesystem=Level.REQUIRE,
        processes=Level.PREFER,
        memory=Level.REQUIRE,
        cpu=Level.PREFER,
        file_size=Level.REQUIRE,
        core_dumps=Level.ALLOW,
        readable=(A, B, A),
        writable=(C,),
        memory_bytes=(1 << 40) + 3,
        cpu_seconds=7,
        file_bytes=0,
    )
    said = echoed(policy.pack(also_readable=(B,)), tmp_path)
    assert said == [
        "filesystem=2", "network=0", "processes=1", "peers=0", "memory=2", "cpu=1", "file_size=2", "core_dumps=0",
        "group=1", "1099511627779 7 0", "/b b|/a|/ü|", "8",
    ]  # fmt: skip


def echoed(data: bytes, folder: Path) -> list[str]:
    sources = source_directory()
    (folder / "echo.c").write_text(_ECHO, "utf-8")
    (folder / "policy").write_bytes(data)
    parts = [str(sources / "worker" / f"{name}.c") for name in ("sandbox", "limits", "landlock", "seccomp")]
    argv = [*Toolchain().compiler("c").c_command, "-std=gnu11", f"-I{sources}", "echo.c", *parts, "-o", "echo"]
    code, said = run_compiler(argv, folder, {"PATH": "/usr/bin:/bin"}, lambda: False)
    assert code == 0, said
    code, said = run_compiler(["sh", "-c", "./echo < policy"], folder, {"PATH": "/usr/bin:/bin"}, lambda: False)
    assert code == 0
    return said.split("\n")


def answer(*controls: tuple[int, int, int, int], landlock: int = 4, refused: int = 0) -> bytes:
    rows = [*controls, *[(0, 0, 0, 0)] * (len(NATIVE_CONTROLS) - len(controls))]
    head = struct.pack("<IiIi", 16 + 16 * len(rows), landlock, 2, refused)
    return head + b"".join(struct.pack("<IIIi", *row) for row in rows)


def test_what_is_not_enforced_is_told_with_its_reason() -> None:
    effective = EffectivePolicy.unpack(
        answer((1, 2 | 4 | 8, 0, 0), (3, 0, 1, errno.ENOSYS), (2, 8, 1, errno.EPERM), (2, 2 | 4, 2, 6), (3, 0, 3, 0))
    )
    assert effective.describe().split("\n") == [
        "filesystem: enforced by Landlock, seccomp, dropped privileges",
        "network: missing (the kernel was built or started without it (ENOSYS))",
        "processes: partly by dropped privileges (the system refused: Operation not permitted (EPERM))",
        "peers: partly by Landlock, seccomp (the kernel's Landlock is too old: version 6 or newer can do it)",
        "memory: missing (not on this operating system or processor)",
        "2 of the listed paths are not there",
    ]
    assert effective["cpu"].state is State.OPEN


@pytest.mark.parametrize(("refused", "name"), [(0, ""), (2, "network"), (-1, "policy")])
def test_the_control_that_stops_everything_is_named(refused: int, name: str) -> None:
    assert EffectivePolicy.unpack(answer(refused=refused)).refused == name


@pytest.mark.parametrize("data", [b"", answer()[:-1], answer() + b"x", b"\1" + answer()[1:]])
def test_an_answer_of_another_version_is_refused(data: bytes) -> None:
    with pytest.raises(SettingError, match="build it again"):
        EffectivePolicy.unpack(data)


@linux
def test_a_policy_is_no_word() -> None:
    with pytest.raises(SettingError, match=r"policy is 'strict'; it is a hotplate.Policy, such as Policy.strict\(\)"):
        hotplate.open("any.c", policy="strict")  # type: ignore[arg-type]


def test_the_machine_is_asked_what_it_can_enforce() -> None:
    from hotplate.toolchain.confine import confining_program

    program = confining_program(Toolchain().programs)
    effective = probe([program.path])
    assert [entry.control for entry in effective.controls] == list(NATIVE_CONTROLS)
    assert {effective[control].state for control in ("cpu", "file_size", "core_dumps")} == {State.ENFORCED}
    assert all(bool(entry.reason) == (entry.state is not State.ENFORCED) for entry in effective.controls)


def test_a_program_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not tell what this machine can enforce"):
        probe([tmp_path / "none"])


ENVIRON = {
    "LANG": "de_DE.UTF-8", "LC_NUMERIC": "C", "TZ": "UTC", "OMP_NUM_THREADS": "2", "UBSAN_OPTIONS": "x",
    "HOME": "/home/me", "PATH": "/bin", "TMPDIR": "/t", "API_TOKEN": "secret", "LD_PRELOAD": "/x.so",
    "HOTPLATE_CACHE_DIR": "/c", "LC_": "?", "OMP_secret": "?",
}  # fmt: skip


def test_a_worker_sees_no_secrets() -> None:
    names = {"LANG", "LC_NUMERIC", "TZ", "OMP_NUM_THREADS", "UBSAN_OPTIONS"}
    assert set(clean_environment(ENVIRON, Policy.strict())) == names
    assert set(clean_environment(ENVIRON, Policy())) == names | {"HOME", "TMPDIR", "PATH"}


def test_a_policy_may_pass_on_more() -> None:
    assert clean_environment(ENVIRON, Policy(variables=("API_TOKEN",)))["API_TOKEN"] == "secret"
    assert clean_environment(ENVIRON, Policy(environment=Level.ALLOW)) == ENVIRON
