"""Programs of hotplate's own: built once, by whichever compiler can, and what is said when none can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from hotplate.errors import CacheError, ToolchainError
from hotplate.toolchain import Cache, Compiler
from hotplate.toolchain.families.program import ProgramLine
from hotplate.toolchain.model import Program, Recipe
from hotplate.toolchain.program import Programs, worker_recipe
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Callable

_MAIN = """
    #include "answer.h"
    #include <pthread.h>
    #include <stdatomic.h>
    #include <stdio.h>
    #include <stdlib.h>

    static atomic_int threads;
    static _Thread_local int own;

    static void *count(void *nothing) {
        own = atomic_fetch_add(&threads, 1);
        return nothing;
    }

    int main(int argc, char **argv) {
        int *block = malloc(4 * sizeof *block);
        if (block == NULL) return 3;
        if (argc > 1) block[atoi(argv[1])] = 1;
        pthread_t thread;
        if (pthread_create(&thread, NULL, count, NULL) == 0) pthread_join(thread, NULL);
        getchar();
        printf("%d %d", ANSWER + extra(), threads);
        free(block);
        return own;
    }
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """A program of two sources and a header; it prints "42 1" when its input ends."""
    folder = tmp_path / "sources with a space"
    (folder / "include").mkdir(parents=True)
    (folder / "include" / "answer.h").write_text("#define ANSWER 40\nint extra(void);\n")
    (folder / "main.c").write_text(dedent(_MAIN))
    (folder / "extra.c").write_text('#include "answer.h"\nint extra(void) { return 2; }\n')
    return Recipe("tool", (folder / "main.c", folder / "extra.c"), (folder / "include",))


@pytest.fixture
def programs_for(tmp_path: Path) -> Callable[..., Programs]:
    """Programs of these compilers in an empty cache. Each call is like another process: nothing is remembered."""

    def make(*compilers: Compiler, sources: Path = Path("nowhere"), root: Path = tmp_path / "cache") -> Programs:
        return Programs(Cache(root), compilers=lambda: compilers, sources=sources, jobs=2)

    return make


@pytest.fixture
def counted(tmp_path: Path, gcc: Compiler) -> tuple[Compiler, Callable[[], int]]:
    """gcc behind a script, and how often it ran."""
    return _wrapped(tmp_path, gcc, "")


def _wrapped(folder: Path, gcc: Compiler, before: str) -> tuple[Compiler, Callable[[], int]]:
    log, script = folder / "runs", folder / "cc.sh"
    script.write_text(f'#!/bin/sh\n{before}\necho run >> "{log}"\nexec {gcc.c_command[0]} "$@"\n')
    script.chmod(0o755)
    return replace(gcc, c_command=(str(script),)), lambda: log.read_text().count("run") if log.exists() else 0


def output(program: Program, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(program.path), *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


BUILD_OF_TWO = 3  # a call for each source, and one that links


# ---- what is built ----


@pytest.mark.parametrize("name", ["gcc", "clang", "clang-16", "zig"])
def test_a_program_of_several_sources_is_built_and_runs(
    name: str, recipe: Recipe, programs_for: Callable[..., Programs], compiler_named: Callable[[str, str], Compiler]
) -> None:
    compiler = compiler_named(name, "c")
    built = programs_for(compiler).build(recipe)
    assert (output(built).stdout, built.compiler, built.cached) == ("42 1", compiler, False)
    assert built.size == built.path.stat().st_size


def test_nothing_but_the_program_is_kept(recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]) -> None:
    built = programs_for(gcc).build(recipe)
    assert sorted(path.name for path in built.path.parent.iterdir()) == ["meta.json", "tool"]


def test_the_debugger_finds_the_sources(recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]) -> None:
    built = programs_for(gcc).build(recipe)
    done = subprocess.run(["nm", "--line-numbers", built.path], capture_output=True, text=True, check=True)
    assert f"{recipe.sources[1]}:2" in done.stdout


@pytest.mark.parametrize(
    ("sanitize", "finding"),
    [
        pytest.param((), "", id="none"),
        pytest.param(("address",), "heap-buffer-overflow", id="address"),
        pytest.param(("undefined",), "runtime error: store to address", id="undefined"),
    ],
)
def test_only_a_program_with_sanitizers_finds_its_bugs(
    sanitize: tuple[str, ...], finding: str, recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    done = output(programs_for(gcc).build(recipe, sanitize=sanitize), "4")
    assert (done.returncode != 0, finding in done.stderr) == (bool(finding), True)


# ---- when it is built ----


def test_another_process_finds_it_without_running_a_compiler(
    recipe: Recipe, counted: tuple[Compiler, Callable[[], int]], programs_for: Callable[..., Programs]
) -> None:
    compiler, runs = counted
    built = programs_for(compiler).build(recipe)
    assert runs() == BUILD_OF_TWO
    found = programs_for(compiler).build(recipe)
    assert (found.path, found.key, found.cached, runs()) == (built.path, built.key, True, BUILD_OF_TWO)


@pytest.mark.parametrize(("file", "old", "new"), [("include/answer.h", "40", "50"), ("extra.c", "2", "12")])
def test_a_changed_file_is_built_anew_and_changed_back_it_is_found(
    file: str,
    old: str,
    new: str,
    recipe: Recipe,
    counted: tuple[Compiler, Callable[[], int]],
    programs_for: Callable[..., Programs],
) -> None:
    compiler, runs = counted
    path = recipe.sources[0].parent / file
    original = path.read_text()
    first = programs_for(compiler).build(recipe)
    path.write_text(original.replace(old, new))
    assert output(programs_for(compiler).build(recipe)).stdout == "52 1"
    path.write_text(original)
    assert programs_for(compiler).build(recipe).path == first.path
    assert runs() == 2 * BUILD_OF_TWO


def test_each_compiler_and_set_of_sanitizers_has_a_program_of_its_own(
    recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    other = replace(gcc, identity="another gcc")
    plain, sanitized = programs_for(gcc).build(recipe), programs_for(gcc).build(recipe, sanitize=("undefined",))
    assert len({plain.key, sanitized.key, programs_for(other).build(recipe).key}) == 3


def test_finding_builds_nothing(
    recipe: Recipe, counted: tuple[Compiler, Callable[[], int]], programs_for: Callable[..., Programs]
) -> None:
    compiler, runs = counted
    programs = programs_for(compiler)
    assert programs.find(recipe) is None
    assert runs() == 0
    built = programs.build(recipe)
    found = programs.find(recipe)
    assert found
    assert found.path == built.path


_BUILD = """
import sys
from dataclasses import replace
from pathlib import Path
from hotplate.toolchain import Cache, find_compiler
from hotplate.toolchain.model import Recipe
from hotplate.toolchain.program import Programs
root, script, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
compiler = replace(find_compiler("c", {"PATH": "/usr/bin:/bin"}, root, "gcc"), c_command=(script,))
recipe = Recipe("tool", (folder / "main.c", folder / "extra.c"), (folder / "include",))
print(Programs(Cache(root), compilers=lambda: [compiler], sources=root).build(recipe).path)
"""


def test_two_processes_that_want_the_same_program_build_it_once(tmp_path: Path, recipe: Recipe, gcc: Compiler) -> None:
    compiler, runs = _wrapped(tmp_path, gcc, "sleep 0.5")
    folders = (str(tmp_path / "cache"), compiler.c_command[0], str(recipe.sources[0].parent))
    command = [sys.executable, "-c", _BUILD, *folders]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) for _ in range(2)]
    paths = {process.communicate(timeout=60)[0].strip() for process in both}
    assert (len(paths), runs()) == (1, BUILD_OF_TWO)
    assert Path(paths.pop()).is_file()


def test_a_header_that_changes_during_the_build_is_built_again(
    tmp_path: Path, recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    header, changed = recipe.folders[0] / "answer.h", tmp_path / "changed"
    edit = f'[ -e "{changed}" ] || {{ sleep 0.05; : > "{changed}"; sed -i s/40/50/ "{header}"; }}'
    compiler, _ = _wrapped(tmp_path, gcc, f'case "$*" in *main.c*) {gcc.c_command[0]} "$@" && {edit}; exit $?;; esac')
    built = programs_for(compiler).build(recipe)
    assert output(built).stdout == "52 1"
    found = programs_for(compiler).find(recipe)
    assert found
    assert found.path == built.path


def test_a_program_that_runs_survives_the_clearing_of_the_cache(
    recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs], tmp_path: Path
) -> None:
    built = programs_for(gcc).build(recipe)
    with subprocess.Popen([built.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert Cache(tmp_path / "cache").clear() > 0
        assert not built.path.exists()
        assert process.communicate("\n", timeout=60)[0] == "42 1"


# ---- when it can't be built ----


def test_a_mistake_in_a_source_is_told_in_the_words_of_the_compiler(
    recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    text = recipe.sources[1].read_text()
    recipe.sources[1].write_text("int extra(void) { return missing; }\n")
    with pytest.raises(ToolchainError, match=r"can't build its tool with gcc .*: exit code 1 from ") as caught:
        programs_for(gcc).build(recipe)
    assert f"{recipe.sources[1]}:1:26: error: 'missing' undeclared" in str(caught.value)
    assert "pip install 'hotplate[zig]'" in str(caught.value)
    recipe.sources[1].write_text(text)  # what failed is not remembered
    assert output(programs_for(gcc).build(recipe)).stdout == "42 1"


def test_a_long_complaint_is_cut(recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]) -> None:
    recipe.sources[1].write_text("int a = b;\n" * 100)
    with pytest.raises(ToolchainError, match=r"\.\.\. \d+ more lines\n") as caught:
        programs_for(gcc).build(replace(recipe, sources=recipe.sources[1:]))
    assert len(str(caught.value).splitlines()) == 43


def test_what_only_the_linker_misses_is_told(
    recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    with pytest.raises(ToolchainError, match="undefined reference to `extra'"):
        programs_for(gcc).build(replace(recipe, sources=recipe.sources[:1]))


def test_a_cache_that_cannot_be_written_is_a_clear_error(
    recipe: Recipe, gcc: Compiler, programs_for: Callable[..., Programs], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match="HOTPLATE_CACHE_DIR"):
        programs_for(gcc, root=tmp_path / "file" / "cache").build(recipe)


@pytest.fixture
def tcc(compiler_named: Callable[[str, str], Compiler]) -> Compiler:
    return compiler_named("tcc", "c")


def test_another_compiler_takes_over_from_one_that_cannot(
    recipe: Recipe, gcc: Compiler, tcc: Compiler, mingw: Compiler, programs_for: Callable[..., Programs]
) -> None:
    built = programs_for(tcc, mingw, gcc).build(recipe)
    assert (built.compiler, output(built).stdout) == (gcc, "42 1")


def test_without_a_compiler_that_can_the_way_out_is_told(
    recipe: Recipe, tcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    with pytest.raises(ToolchainError, match=r"its tool: tcc .* can't, .* `pip install 'hotplate\[zig\]'`"):
        programs_for(tcc).build(recipe)


def test_sanitizers_are_left_to_the_compilers_that_have_them(
    recipe: Recipe, compiler_named: Callable[[str, str], Compiler], gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    zig = compiler_named("zig", "c")
    assert programs_for(zig, gcc).build(recipe, sanitize=("undefined",)).compiler == gcc
    with pytest.raises(ToolchainError, match=r"with -fsanitize=undefined: zig .* can't; install gcc or clang"):
        programs_for(zig).build(recipe, sanitize=("undefined",))


def test_a_program_for_windows_needs_no_dll_of_its_compiler(mingw: Compiler, tmp_path: Path) -> None:
    assert "-static" in ProgramLine(mingw).link_command([tmp_path / "0.o"], tmp_path / "worker.exe")


# ---- the worker ----


@pytest.fixture
def sources(tmp_path: Path, recipe: Recipe) -> Path:
    """hotplate's own C sources, with the smallest of workers."""
    csrc = tmp_path / "csrc"
    for folder in ("core", "posix", "worker"):
        (csrc / folder).mkdir(parents=True)
    shutil.copytree(recipe.folders[0], csrc / "include")
    shutil.copy(recipe.sources[0], csrc / "worker")
    shutil.copy(recipe.sources[1], csrc / "core")
    (csrc / "posix" / "nothing.c").write_text("typedef int nothing;\n")
    return csrc


def test_the_worker_is_made_of_the_core_the_platform_and_its_own_sources(sources: Path) -> None:
    recipe = worker_recipe(sources)
    assert [path.name for path in recipe.sources] == ["extra.c", "nothing.c", "main.c"]
    assert recipe.folders == (sources / "include", sources)


def test_the_worker_is_looked_for_once_and_then_only_whether_it_is_there(
    sources: Path, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    programs = programs_for(gcc, sources=sources)
    worker = programs.worker()
    shutil.rmtree(sources)
    assert programs.worker() is worker


def test_a_worker_that_was_evicted_is_built_anew(
    sources: Path, gcc: Compiler, programs_for: Callable[..., Programs], tmp_path: Path
) -> None:
    programs = programs_for(gcc, sources=sources)
    first = programs.worker()
    Cache(tmp_path / "cache").clear()
    assert output(programs.worker()).stdout == "42 1"
    assert programs.worker().key == first.key


def test_a_worker_with_sanitizers_is_another_one_whatever_their_order(
    sources: Path, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    programs = programs_for(gcc, sources=sources)
    sanitized = programs.worker(sanitize=("undefined", "address"))
    assert programs.worker(sanitize=("address", "undefined")) is sanitized
    assert programs.worker().key != sanitized.key


def test_an_installation_without_the_sources_says_so(
    sources: Path, gcc: Compiler, programs_for: Callable[..., Programs]
) -> None:
    shutil.rmtree(sources / "worker")
    with pytest.raises(ToolchainError, match=r"can't build its worker: there is no C source in .*; install hotplate"):
        programs_for(gcc, sources=sources).worker()


def test_a_notebook_of_a_compiler_that_cannot_has_its_worker_built_by_another(tcc: Compiler, empty_cache: Path) -> None:
    toolchain = Toolchain(compiler=" ".join(tcc.c_command))
    assert toolchain.compiler("c").family == "tcc"
    assert toolchain.programs.worker_compiler().family in {"gcc", "clang", "zig"}


_RUN = """
import sys, hotplate
hotplate.Notebook("n.c", text="int one(void) { return 1; }").run()
print([name for name in sys.modules if name.startswith("hotplate.toolchain.") and "program" in name])
"""


def test_a_run_without_isolated_cells_imports_none_of_this() -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", _RUN], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
