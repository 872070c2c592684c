"""build.py: what it says without its needs, when an environment is up to date, and what the packages contain."""

from __future__ import annotations

import ast
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.toolchain.program import worker_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A working copy in which nothing is set up."""
    return copy_tree(tmp_path / "hotplate")


def copy_tree(target: Path) -> Path:
    for folder in ("csrc", "src", "examples"):
        ignored = shutil.ignore_patterns("_native.*", "__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, target / folder, ignore=ignored)
    for file in ("build.py", "pyproject.toml", "CMakeLists.txt", "LICENSE"):
        shutil.copy(ROOT / file, target)
    return target


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that runs these tests is not the one that they set up."""
    monkeypatch.delenv("HOTPLATE_VENV", raising=False)


def run_script(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **variables}
    command = [sys.executable, str(folder / "build.py"), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def load(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_script", folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- the script ----


def test_without_a_verb_it_prints_its_usage() -> None:
    done = run_script(ROOT)
    assert done.returncode == 0
    assert done.stdout.startswith("python3 build.py VERB")


def test_an_unknown_verb_is_refused_with_the_usage() -> None:
    done = run_script(ROOT, "biuld")
    assert done.returncode == 2
    assert "biuld" in done.stderr
    assert "python3 build.py VERB" in done.stderr


def test_without_wine_the_tests_for_windows_tell_what_to_install(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "windows", copy / "tests" / "windows")
    done = run_script(copy, "windows", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "x86_64-w64-mingw32-gcc" in done.stderr
    assert "apt install wine" in done.stderr


def test_importing_it_takes_the_standard_library_alone() -> None:
    command = [sys.executable, "-S", "-c", "import build; print(build.ROOT)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(ROOT), done.stderr


def test_python_3_6_can_parse_it() -> None:
    ast.parse((ROOT / "build.py").read_text("utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_its_version_and_what_is_needed() -> None:
    script = f"import runpy, sys; sys.version_info = (3, 8, 18); runpy.run_path({str(ROOT / 'build.py')!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or later" in done.stderr
    assert sys.executable in done.stderr


# ---- the environment ----


@pytest.fixture
def no_network_no_compiler(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir()
    return {"PATH": str(folder), "CC": "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}


def test_without_network_and_compiler_it_names_the_way_out_and_goes_on_later(
    copy: Path, no_network_no_compiler: dict[str, str]
) -> None:
    first = run_script(copy, "run", "x.c", **no_network_no_compiler)
    assert first.returncode == 1
    assert "creating" in first.stderr
    assert "apt install gcc" in first.stderr
    assert "pip download ziglang" in first.stderr
    assert "Traceback" not in first.stderr

    second = run_script(copy, "run", "x.c", **no_network_no_compiler)
    assert second.returncode == 1
    assert "creating" not in second.stderr


def test_a_folder_that_it_did_not_make_is_left_alone(copy: Path, tmp_path: Path) -> None:
    precious = tmp_path / "mine" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")
    done = run_script(copy, "run", "x.c", HOTPLATE_VENV=str(precious.parent))
    assert done.returncode == 1
    assert "was not made by build.py" in done.stderr
    assert precious.exists()


def test_a_second_set_up_waits_for_the_first(copy: Path, no_network_no_compiler: dict[str, str]) -> None:
    (copy / "build").mkdir()
    with (copy / "build" / "setup.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        environ = {**os.environ, **no_network_no_compiler}
        command = [sys.executable, str(copy / "build.py"), "run", "x.c"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as other:
            assert other.stderr is not None
            assert "waiting for another set-up" in other.stderr.readline()
            assert not (copy / ".venv").exists()
            fcntl.flock(file, fcntl.LOCK_UN)
            assert "creating" in other.stderr.readline()
            other.kill()


@pytest.fixture
def ready(copy: Path) -> ModuleType:
    """The script of a working copy whose environment is up to date, with the extra `test`."""
    script = load(copy)
    venv = copy / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    (copy / "src" / "hotplate" / "_native.abi3.so").touch()
    (copy / "build").mkdir()
    sources = script.fingerprint()
    script.write_stamp(script.CORE_STAMP, {"sources": sources})
    stamp = {"python": script.interpreter(venv), "extras": ["test"], "sources": sources}
    script.write_stamp(venv / script.STAMP, stamp)
    return script


def is_ready(script: ModuleType, *extras: str) -> bool:
    answer: bool = script.is_ready(script.ROOT / ".venv", extras, script.fingerprint())
    return answer


@pytest.mark.parametrize("extras", [(), ("test",)])
def test_an_environment_that_is_up_to_date_is_used_as_it_is(ready: ModuleType, extras: tuple[str, ...]) -> None:
    assert is_ready(ready, *extras)


def edit_a_header(root: Path) -> None:
    with (root / "csrc" / "core" / "core.h").open("a") as file:
        file.write("/* edited */\n")


def add_a_source(root: Path) -> None:
    (root / "csrc" / "core" / "extra.c").touch()


def edit_the_project(root: Path) -> None:
    with (root / "pyproject.toml").open("a") as file:
        file.write("# edited\n")


def move_the_interpreter(root: Path) -> None:
    (root / ".venv" / "bin" / "python").unlink()


def change_the_interpreter(root: Path) -> None:
    stamp = root / ".venv" / "hotplate-setup.json"
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "python": ["3.11.0", "/usr", str(root / ".venv")]}))


def cut_off_the_set_up(root: Path) -> None:
    (root / ".venv" / "hotplate-setup.json").write_text("{}")


def tear_the_stamp(root: Path) -> None:
    (root / ".venv" / "hotplate-setup.json").write_text('{"python": [')


def build_the_core_elsewhere(root: Path) -> None:
    (root / "build" / "hotplate-setup.json").write_text('{"sources": "others"}')


def remove_the_core(root: Path) -> None:
    (root / "src" / "hotplate" / "_native.abi3.so").unlink()


@pytest.mark.parametrize(
    "change",
    [
        edit_a_header,
        add_a_source,
        edit_the_project,
        move_the_interpreter,
        change_the_interpreter,
        cut_off_the_set_up,
        tear_the_stamp,
        build_the_core_elsewhere,
        remove_the_core,
    ],
)
def test_an_environment_is_set_up_again_after(ready: ModuleType, change: Callable[[Path], None]) -> None:
    change(ready.ROOT)
    assert not is_ready(ready)


def test_an_environment_is_set_up_again_for_an_extra_that_it_lacks(ready: ModuleType) -> None:
    assert not is_ready(ready, "test", "check")


# ---- what cffi is told ----


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("enum { HP_A = 0, HP_B = 1 };", ["HP_A", "HP_B"]),
        ("enum hp_kind {\n    HP_A, /* first, of { many } */\n    HP_B\n};", ["HP_A", "HP_B"]),
        ('#define HP_STATUS_MAP(XX) \\\n    XX(OK, 0, "fine") \\\n    XX(BAD, 1, "not, fine")', ["HP_OK", "HP_BAD"]),
        ("enum {\n#define X(NAME, value) HP_##NAME = value,\n    HP_STATUS_MAP(X)\n#undef X\n};", []),
        ("enum { OTHER = 1 };", []),
    ],
)
def test_constants_are_found(header: str, names: list[str]) -> None:
    assert load(ROOT).constants(header) == names


def test_declarations_are_the_text_between_the_marks() -> None:
    header = "int hidden(void);\n/* cffi: begin (why) */\nint shown(void);\n/* cffi: end */\nint also_hidden(void);"
    text = load(ROOT).declarations([header])
    assert "int shown(void);" in text
    assert "hidden" not in text


def test_a_struct_member_with_a_va_list_is_left_to_the_compiler() -> None:
    header = "/* cffi: begin */\nstruct s {\n    int a;\n    void (*f)(va_list rest);\n    int b;\n};\n/* cffi: end */"
    assert "struct s {\n    int a;\n    ...;\n    int b;\n};" in load(ROOT).declarations([header])


def test_every_constant_reaches_python_with_the_value_that_c_gives_it() -> None:
    native: Any = pytest.importorskip("hotplate._native")
    script = load(ROOT)
    names = [name for header in script.CFFI_HEADERS for name in script.constants((script.CSRC / header).read_text())]
    values = {name: getattr(native.lib, name) for name in names}
    assert values["HP_OK"] == 0
    assert values["HP_NO_DTYPE"] == 255
    assert values["HP_SOURCE_CONSTANT"] == -2


# ---- the packages ----


def build_package(folder: Path, hook: str) -> Path:
    pytest.importorskip("setuptools", minversion="77.0.3", reason="the build needs a newer setuptools")
    command = [sys.executable, "-c", f"import build; print(build.{hook}('dist'))"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "dist" / done.stdout.splitlines()[-1]


def test_the_wheel_has_the_core_for_all_pythons_and_the_sources_of_its_worker(copy: Path) -> None:
    worker = copy / "csrc" / "worker"
    worker.mkdir(exist_ok=True)
    (worker / "main.c").touch()
    wheel = build_package(copy, "build_wheel")
    assert "-cp311-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {f"hotplate/{path.relative_to(copy).as_posix()}" for path in worker_recipe(copy / "csrc").sources}
    headers = {f"hotplate/csrc/{name}" for name in ("include/hotplate.h", "include/hotplate.hpp", "core/core.h")}
    assert names >= {"hotplate/_native.abi3.so", "hotplate/py.typed", "hotplate/csrc/worker/main.c", *sources, *headers}
    assert not any(name.startswith("hotplate/csrc/python") for name in names)


def test_the_source_distribution_has_what_a_build_needs(copy: Path) -> None:
    with tarfile.open(build_package(copy, "build_sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {path.relative_to(copy).as_posix() for path in (copy / "csrc").rglob("*.[ch]*")}
    assert names >= {"build.py", "pyproject.toml", "LICENSE", "examples/heat.c", *sources}
    assert not any("_native." in name for name in names)
