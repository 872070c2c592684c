"""Building: once, at a time with others, and not at all when cancelled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate.diagnostic import Diagnostic, Severity
from hotplate.errors import BuildError, CacheError, RunCancelled, ToolchainError
from hotplate.events import Emitter, Event, Kind
from hotplate.toolchain import Artifact, Builder, BuildFailure, Compiler, Unit
from hotplate.toolchain.keys import prelude_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    MakeBuilder = Callable[..., Builder]
    MakeUnit = Callable[..., Unit]

TEXT = "double cell(double x) { return x; }"


@pytest.fixture
def counted(tmp_path: Path, gcc: Compiler) -> tuple[Compiler, Path]:
    """gcc behind a script that notes each of its runs in a file."""
    return _wrapped(tmp_path, gcc, 'echo run >> "{log}"\nexec {gcc} "$@"')


@pytest.fixture
def endless(tmp_path: Path, gcc: Compiler) -> tuple[Compiler, Path]:
    """A compiler that never ends; its file gets its process number and that of its child."""
    return _wrapped(tmp_path, gcc, 'sleep 600 &\necho $$ $! >> "{log}"\nwait')


def _wrapped(folder: Path, gcc: Compiler, script: str) -> tuple[Compiler, Path]:
    log, program = folder / "runs", folder / "cc.sh"
    program.write_text("#!/bin/sh\n" + script.format(log=log, gcc=gcc.c_command[0]) + "\n")
    program.chmod(0o755)
    return replace(gcc, c_command=(str(program),)), log


def runs(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def wait_for(log: Path, count: int = 1) -> list[int]:
    deadline = time.monotonic() + 30
    while runs(log) < count:
        assert time.monotonic() < deadline, "the compiler was not started"
        time.sleep(0.005)
    return [int(number) for number in log.read_text().split()]


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def all_gone(processes: list[int]) -> bool:
    """Whether they end: a killed grandchild is the system's to reap, a moment after its parent."""
    deadline = time.monotonic() + 10
    while any(alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def leftovers(builder: Builder) -> list[Path]:
    return list((builder.cache.root / "tmp").iterdir())


def test_what_was_built_is_found_without_running_anything(
    counted: tuple[Compiler, Path], builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    compiler, log = counted
    built = builder_for(compiler).build(make_unit(TEXT))
    found = builder_for(compiler).find(make_unit(TEXT))
    assert isinstance(built, Artifact)
    assert found
    assert (built.cached, found.cached) == (False, True)
    assert (found.library, found.build_key, found.headers) == (built.library, built.build_key, built.headers)
    assert runs(log) == 1


def test_an_edited_header_makes_a_new_build_and_the_reverted_one_is_found_again(
    counted: tuple[Compiler, Path], builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    compiler, log = counted
    builder = builder_for(compiler)
    unit = make_unit('#include "factor.h"\ndouble cell(double x) { return FACTOR * x; }')
    header = unit.notebook.parent / "factor.h"
    header.write_text("#define FACTOR 2\n")
    first = builder.build(unit)
    header.write_text("#define FACTOR 30\n")
    assert builder.find(unit) is None
    second = builder.build(unit)
    header.write_text("#define FACTOR 2\n")
    third = builder.build(unit)
    assert isinstance(first, Artifact)
    assert isinstance(second, Artifact)
    assert isinstance(third, Artifact)
    assert header in first.headers
    assert first.build_key == third.build_key != second.build_key
    assert runs(log) == 2


def test_a_failure_is_not_remembered(gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit) -> None:
    builder = builder_for(gcc)
    unit = make_unit('#include "late.h"\ndouble cell(double x) { return x; }')
    failed = builder.build(unit)
    assert isinstance(failed, BuildFailure)
    assert unit.notebook.parent / "late.h" in failed.headers
    (unit.notebook.parent / "late.h").write_text("")
    assert isinstance(builder.build(unit), Artifact)


def test_a_failure_keeps_the_headers_of_the_last_good_build(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    builder = builder_for(gcc)
    unit = make_unit('#include "a.h"\ndouble cell(double x) { return x; }')
    header = unit.notebook.parent / "a.h"
    header.write_text('#include "b.h"\n')
    (unit.notebook.parent / "b.h").write_text("")
    assert isinstance(builder.build(unit), Artifact)
    (unit.notebook.parent / "b.h").write_text("#error no\n")
    failed = builder.build(unit)
    assert isinstance(failed, BuildFailure)
    assert unit.notebook.parent / "b.h" in failed.headers


@pytest.mark.parametrize("change", [{"flags": ("-O1",)}, {"std": "gnu11"}])
def test_flags_and_standard_are_part_of_the_key(
    change: dict[str, object], gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    builder = builder_for(gcc)
    assert builder.unit_key(make_unit(TEXT)) != builder.unit_key(make_unit(TEXT, **change))


def test_the_text_is_asked_for_only_to_compile_it(gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit) -> None:
    asked: list[str] = []
    unit = make_unit(TEXT)
    unit = replace(unit, render=lambda render=unit.render: asked.append("text") or render())
    builder = builder_for(gcc)
    assert builder.find(unit) is None
    assert asked == []
    builder.build(unit)
    builder.build(unit)
    assert asked == ["text"]


def test_a_text_that_cannot_be_made_is_a_failure_of_its_cell(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    problem = Diagnostic(Severity.ERROR, "no dtype")

    def refuse() -> str:
        raise BuildError([problem])

    failed = builder_for(gcc).build(replace(make_unit(TEXT), render=refuse))
    assert isinstance(failed, BuildFailure)
    assert failed.diagnostics == (problem,)


def test_units_that_fail_do_not_stop_the_others(gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit) -> None:
    units = [
        make_unit("double a(double x) { return x; }", "a"),
        make_unit("double b(double x) { return nothing; }", "b"),
        make_unit("double c(double x) { return x; }", "c"),
    ]
    results = builder_for(gcc, jobs=2).build_all(units)
    assert [type(result) for result in results.values()] == [Artifact, BuildFailure, Artifact]
    assert list(results) == ["a", "b", "c"]


def test_events_tell_what_is_built_and_what_was_there(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    builder = builder_for(gcc)
    old, new = make_unit(TEXT), make_unit("double b(double x) { return nothing; }", "b")
    builder.build(old)
    events: list[Event] = []
    builder.build_all([old, new], Emitter("run", (events.append,)))
    assert [(e.kind, e.cell, e.data.get("cached"), e.data.get("ok")) for e in events] == [
        (Kind.CELL_BUILT, "cell", True, True),
        (Kind.CELL_BUILDING, "b", None, None),
        (Kind.CELL_BUILT, "b", False, False),
    ]


def test_a_cancelled_build_kills_the_compiler_with_its_children_and_keeps_nothing(
    endless: tuple[Compiler, Path], builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    compiler, log = endless
    builder = builder_for(compiler, jobs=2)
    cancel = threading.Event()
    started: list[int] = []
    threading.Thread(target=lambda: (started.extend(wait_for(log, 2)), cancel.set())).start()
    units = [make_unit(f"double {name}(double x) {{ return x; }}", name) for name in "abc"]
    with pytest.raises(RunCancelled):
        builder.build_all(units, cancel=cancel)
    assert len(started) == 4
    assert all_gone(started)
    assert leftovers(builder) == []
    assert builder.cache.stats().artifacts == 0


def test_a_unit_and_its_precompiled_includes_never_wait_for_the_same_lock(
    builder_for: MakeBuilder, make_unit: MakeUnit, cxx_compiler: Compiler
) -> None:
    builder = builder_for(cxx_compiler)

    def shares_a_shard(n: int) -> bool:
        key = builder.unit_key(with_includes(n))
        return key[:2] == prelude_key(with_includes(n), cxx_compiler, os.environ)[:2]

    def with_includes(n: int) -> Unit:
        return make_unit(TEXT, language="c++", prelude=f"#include <cstddef>\n#define N {n}\n")

    unit = next(with_includes(n) for n in range(100_000) if shares_a_shard(n))
    give_up = threading.Event()
    timer = threading.Timer(20, give_up.set)
    timer.start()
    built = builder.build_all([unit], cancel=give_up)["cell"]
    timer.cancel()
    assert isinstance(built, Artifact)


_BUILD = """
import sys
from dataclasses import replace
from pathlib import Path
from hotplate.toolchain import Builder, Cache, Unit, find_compiler
root, program, jobs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
compiler = replace(find_compiler("c", {"PATH": "/usr/bin:/bin"}, root, "gcc"), c_command=(program,))
builder = Builder(Cache(root), lambda _: compiler, jobs=jobs, include_dir=root, abi_version=1)
text = "int cell(void) { return 1; } __attribute__((visibility(\\"default\\"))) int hotplate_cell = 1;"
units = [Unit(f"cell{n}", "c", lambda: text, "", f"{text}{n}", root / "n.c") for n in range(jobs)]
print(*(type(result).__name__ for result in builder.build_all(units).values()))
"""


def start_build(root: Path, compiler: Compiler, jobs: int = 1) -> subprocess.Popen[str]:
    root.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _BUILD, str(root), compiler.c_command[0], str(jobs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_python_path())


def _python_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_two_processes_that_want_the_same_unit_compile_it_once(
    tmp_path: Path, gcc: Compiler, ended: list[subprocess.Popen[str]]
) -> None:
    compiler, log = _wrapped(tmp_path, gcc, 'echo run >> "{log}"\nsleep 1\nexec {gcc} "$@"')
    ended += [start_build(tmp_path / "root", compiler) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0].strip() for process in ended]
    assert outputs == ["Artifact", "Artifact"]
    assert runs(log) == 1


def test_a_process_killed_while_building_leaves_no_lock_and_a_usable_cache(
    tmp_path: Path,
    gcc: Compiler,
    endless: tuple[Compiler, Path],
    ended: list[subprocess.Popen[str]],
) -> None:
    compiler, log = endless
    root = tmp_path / "root"
    ended.append(start_build(root, compiler))
    leader, _ = wait_for(log)
    ended[0].kill()
    ended[0].wait()
    os.killpg(leader, signal.SIGKILL)  # what a killed process leaves running is not its cache's business
    Path(compiler.c_command[0]).write_text(f'#!/bin/sh\nexec {gcc.c_command[0]} "$@"\n')
    ended.append(start_build(root, compiler))
    assert ended[1].communicate(timeout=60)[0].strip() == "Artifact"


def test_an_interrupt_from_the_keyboard_kills_every_compiler(
    tmp_path: Path, endless: tuple[Compiler, Path], ended: list[subprocess.Popen[str]]
) -> None:
    compiler, log = endless
    ended.append(start_build(tmp_path / "root", compiler, jobs=2))
    started = wait_for(log, 2)
    ended[0].send_signal(signal.SIGINT)
    _, stderr = ended[0].communicate(timeout=60)
    assert "KeyboardInterrupt" in stderr
    assert all_gone(started)
    assert list((tmp_path / "root" / "tmp").iterdir()) == []


def test_a_header_that_changes_during_the_compile_is_compiled_again(
    tmp_path: Path, gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    header = tmp_path / "notebook" / "f.h"
    edit = f'[ -e "{{log}}" ] || {{{{ sleep 0.05; echo "#define F 5" > "{header}"; }}}}'
    body = f'{{gcc}} "$@" || exit 1\n{edit}\necho run >> "{{log}}"'
    compiler, log = _wrapped(tmp_path, gcc, body)
    unit = make_unit('#include "f.h"\ndouble cell(double x) { return F * x; }')
    header.write_text("#define F 4\n")
    assert isinstance(builder_for(compiler).build(unit), Artifact)
    assert runs(log) == 2


def test_a_compiler_that_vanished_is_a_clear_error(
    counted: tuple[Compiler, Path], builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    compiler, _ = counted
    Path(compiler.c_command[0]).unlink()
    with pytest.raises(ToolchainError, match=r"cc\.sh can't be run any more .*hotplate doctor"):
        builder_for(compiler).build(make_unit(TEXT))


def test_a_package_that_pkg_config_does_not_know_is_a_clear_error(
    gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    with pytest.raises(ToolchainError, match="no-such-library"):
        builder_for(gcc).build(make_unit(TEXT, libs=("no-such-library",)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_an_error_that_names_the_cache_and_publishes_nothing(
    small_disk: Path, gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    builder = builder_for(gcc, small_disk)
    unit = make_unit("static char big[200000] = {1};\ndouble cell(double x) { return x + big[(int)x]; }")
    with pytest.raises(CacheError, match=rf"{small_disk}.*No space left.*HOTPLATE_CACHE_DIR"):
        builder.build(unit)
    assert builder.cache.stats().artifacts == 0
    assert leftovers(builder) == []


def test_a_read_only_cache_still_has_hits_and_refuses_builds(
    small_disk: Path, gcc: Compiler, builder_for: MakeBuilder, make_unit: MakeUnit
) -> None:
    builder = builder_for(gcc, small_disk)
    unit = make_unit(TEXT)
    builder.build(unit)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert builder.find(unit)
    with pytest.raises(CacheError, match=rf"{small_disk}.*Read-only.*HOTPLATE_CACHE_DIR"):
        builder.build(make_unit("double b(double x) { return x; }", "b"))
