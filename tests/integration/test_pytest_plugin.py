"""The pytest plugin, in runs of pytest in processes of their own, where it is registered as an installed one is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
XDIST = find_spec("xdist") is not None
ROD = """
#include <hotplate.h>
#include <stdint.h>
int64_t n(void) { return 3; }
void u0(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
void u1(int64_t n, const double u0[n], double dt, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = u0[i] + dt;
}
int64_t process(void) { extern int getpid(void); return getpid(); }
int64_t calls(hp_ctx *ctx) { return ++*(int64_t *)hp_state(ctx, sizeof(int64_t), 1); }
"""
CRASHING = """
double fine(void) { return 1; }
double crash(double fine) { volatile double *nowhere = 0; return *nowhere + fine; }
double after(double crash) { return crash; }
"""


@dataclass(frozen=True)
class Ended:
    """A run of pytest."""

    output: str
    folder: Path

    @property
    def outcomes(self) -> dict[str, str]:
        """By test. A test whose set-up failed is an ERROR."""
        found = re.findall(r"^(?:\[gw\d+\] \[ *\d+%\] )?(\w+)?(?: )?(test_\w+\.py::\S+)(?: (\w+))?", self.output, re.M)
        return {name.partition("::")[2]: before or after for before, name, after in found if before or after}

    def of(self, test: str) -> str:
        """What is shown for a test that failed."""
        heading = rf"^_+ (?:ERROR at setup of )?{re.escape(test)} _+\n(?:\[gw.*\n)?"
        return re.split(heading, self.output, flags=re.M)[1].split("\n__")[0]


@pytest.fixture(scope="module")
def pytest_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ended]:
    """Writes files into a folder of their own and runs pytest on it: `pytest_of({"test_x.py": text}, "-n2")`."""
    registered = tmp_path_factory.mktemp("registered")
    info = registered / "hotplate_pytest-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hotplate-pytest\nVersion: 0\n")
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["pytest11"]
    (info / "entry_points.txt").write_text("[pytest11]\n" + "".join(f"{k} = {v}\n" for k, v in entry.items()))

    def run(files: Mapping[str, str], *options: str, environ: Mapping[str, str] | None = None) -> Ended:
        folder = tmp_path_factory.mktemp("suite")
        for name, text in {"pytest.ini": "[pytest]\nfilterwarnings = error\n", **files}.items():
            (folder / name).write_text(dedent(text), "utf-8")
        paths = os.pathsep.join([str(registered), *filter(None, sys.path)])
        command = [sys.executable, "-m", "pytest", "-vv", "--strict-markers", "-p", "no:cacheprovider", *options]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "120", **(environ or {})},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        return Ended(done.stdout, folder)

    return run


# ---- in this process


@pytest.fixture(scope="module")
def usual(pytest_of: Callable[..., Ended]) -> Ended:
    """One run with what goes well and what goes wrong."""
    tests = """
        import os
        import pytest

        rod = pytest.mark.hotplate("rod.c", inputs={"dt": 0.5})
        u1 = pytest.mark.hotplate("rod.c", "u1")

        @rod
        def test_each(hotplate_cell):
            assert hotplate_cell() is not None

        @rod
        def test_here(hotplate_notebook):
            assert hotplate_notebook.run("process")["process"] == os.getpid()

        @rod
        def test_shared(hotplate_notebook, hotplate_open):
            assert hotplate_open("rod.c") is hotplate_notebook
            assert hotplate_notebook.run("u0").cells["u0"].status == "kept"

        @rod
        def test_other_settings(hotplate_notebook, hotplate_open):
            assert hotplate_open("rod.c", flags=["-O1"]) is not hotplate_notebook

        @pytest.mark.hotplate("rod.c", shared=False)
        def test_own(hotplate_notebook, hotplate_open):
            assert hotplate_open("rod.c") is not hotplate_notebook
            assert hotplate_notebook.run("calls")["calls"] == 1

        @rod
        def test_python_cell(hotplate_notebook):
            hotplate_notebook.cell(lambda u0: u0.sum(), name="total")
            assert hotplate_notebook.run("total")["total"] == 3

        @rod
        def test_python_cell_is_gone(hotplate_notebook):
            assert "total" not in hotplate_notebook.graph.nodes

        @u1
        def test_given_in_the_call(hotplate_cell):
            assert sorted(hotplate_cell.inputs) == ["n", "u0"]
            assert hotplate_cell(dt=1.0).tolist() == [1, 2, 3]

        class TestInputs:
            @pytest.fixture
            def hotplate_inputs(self):
                return {"n": 2, "dt": 1.0}

            @u1
            def test_made_by_code(self, hotplate_cell):
                assert hotplate_cell().tolist() == [1, 2]

        @u1
        def test_speed(hotplate_cell, benchmark):
            benchmark.pedantic(hotplate_cell, kwargs={"dt": 1.0}, rounds=2)
            assert benchmark.extra_info["cell"] == "u1"

        @u1
        def test_nobody_gives_it(hotplate_cell):
            hotplate_cell()

        @pytest.mark.hotplate("rod.c", "u1", "proces")
        def test_unknown_cell(hotplate_cell):
            assert hotplate_cell.name == "u1"

        @pytest.mark.hotplate("rod.c", inputs={"dtt": 0.5})
        def test_unknown_input(hotplate_cell):
            pass

        @pytest.mark.hotplate("none.c")
        def test_no_file(hotplate_cell):
            pass

        @pytest.mark.hotplate("empty.c")
        def test_no_cells(hotplate_cell):
            pass

        def test_no_marker(hotplate_cell):
            pass

        @pytest.mark.hotplate("rod.c", compilr="gcc")
        def test_no_such_setting(hotplate_notebook):
            pass

        @pytest.mark.hotplate("rod.c", flags="-O2 -g")
        def test_flags_in_one_word(hotplate_notebook):
            pass

        @pytest.mark.hotplate("wrong.c")
        def test_wrong(hotplate_cell):
            pass

        @pytest.mark.hotplate("wrong.c")
        def test_wrong_as_well(hotplate_notebook):
            pass

        def failing(notebook):
            notebook.run("u1", dt="much")

        @rod
        def test_fails_in_a_helper(hotplate_notebook):
            failing(hotplate_notebook)

        def test_other_failures_are_as_ever():
            assert 1 == 2
    """
    wrong = "int f(void) { return 1; }\nint g(int f) { return nope; }\n"
    return pytest_of({"rod.c": ROD, "wrong.c": wrong, "empty.c": "", "test_it.py": tests})


PASSING = [
    *(f"test_each[{name}]" for name in ("n", "u0", "u1", "process", "calls")),
    "test_here",
    "test_shared",
    "test_other_settings",
    "test_own",
    "test_python_cell",
    "test_python_cell_is_gone",
    "test_given_in_the_call[u1]",
    "TestInputs::test_made_by_code[u1]",
    "test_speed[u1]",
    "test_unknown_cell[u1]",
]


@pytest.mark.parametrize("test", PASSING)
def test_fixtures_give_what_the_marker_says(usual: Ended, test: str) -> None:
    assert usual.outcomes.get(test) == "PASSED", usual.output


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("test_unknown_cell[proces]", "rod.c has no cell proces; did you mean process?"),
        ("test_unknown_input[n]", "rod.c has no cell or input dtt; did you mean dt?"),
        ("test_no_file[no-notebook]", "none.c: error: there is no such file [file]"),
        ("test_no_cells[no-cells]", "empty.c has no cells; `hotplate check` says why what it has is none"),
        ("test_no_marker[no-notebook]", 'test_no_marker says no notebook; give it @pytest.mark.hotplate("FILE")'),
        ("test_no_such_setting", "hotplate: the marker got an unexpected keyword argument 'compilr'"),
        ("test_flags_in_one_word", "hotplate: flags is '-O2 -g'; give a list: flags=['-O2', '-g']"),
        ("test_wrong[f]", "wrong.c:2:23: error: 'nope' undeclared"),
        ("test_wrong[g]", "wrong.c can't be used; the set-up of test_it.py::test_wrong[f] says why"),
        ("test_wrong_as_well", "wrong.c can't be used; the set-up of test_it.py::test_wrong[f] says why"),
    ],
)
def test_what_cannot_be_tested_fails_at_set_up(usual: Ended, test: str, message: str) -> None:
    assert usual.outcomes[test] == "ERROR"
    assert usual.of(test).startswith(message)


def test_a_notebook_that_does_not_compile_is_explained_once(usual: Ended) -> None:
    shown, _, _ = usual.output.partition("short test summary info")
    assert shown.count("'nope' undeclared") == 1


def test_a_failure_is_shown_in_hotplates_words_with_the_line_of_the_test(usual: Ended) -> None:
    lines = (usual.folder / "test_it.py").read_text().splitlines()
    at = lines.index('    notebook.run("u1", dt="much")') + 1
    assert usual.of("test_fails_in_a_helper").strip().splitlines()[1:] == ["", f"test_it.py:{at}: InputError"]


def test_an_argument_that_nobody_gave_is_named_without_a_traceback(usual: Ended) -> None:
    first, *_, last = usual.of("test_nobody_gives_it[u1]").strip().splitlines()
    assert first == "u1() needs dt (float64)"
    assert last.endswith("TypeError")


def test_failures_of_other_tests_are_shown_as_ever(usual: Ended) -> None:
    assert ">       assert 1 == 2" in usual.of("test_other_failures_are_as_ever")


def test_the_summary_has_the_first_line_of_the_message(usual: Ended) -> None:
    assert "FAILED test_it.py::test_nobody_gives_it[u1] - TypeError: u1() needs dt (float64)" in usual.output


# ---- options, isolation, other plugins

CELLS = """
    import pytest

    @pytest.mark.hotplate("crashing.c")
    def test_it(hotplate_cell, benchmark):
        assert benchmark.pedantic(hotplate_cell) > 0
"""


def test_a_crash_of_an_isolated_cell_fails_that_test_only(pytest_of: Callable[..., Ended]) -> None:
    both = ["-n2"] if XDIST else []  # where there is no other process, one shows it as well
    ended = pytest_of({"crashing.c": CRASHING, "test_it.py": CELLS}, "--hotplate-isolated", *both)
    assert [ended.outcomes[f"test_it[{name}]"] for name in ("crash", "fine", "after")] == ["FAILED", "PASSED", "ERROR"]
    assert ended.of("test_it[crash]").startswith("crash: crashed: ")
    assert "crashing.c:3:" in ended.of("test_it[crash]")
    assert ended.of("test_it[after]").startswith("after gets no inputs: crash: crashed: ")


@pytest.mark.skipif(not XDIST, reason="pytest-xdist is not installed")
def test_processes_of_xdist_compile_each_cell_once(pytest_of: Callable[..., Ended], tmp_path: Path) -> None:
    compiler, log = tmp_path / "cc", tmp_path / "log"
    compiler.write_text(f'#!/bin/sh\ncase "$*" in *-shared*) echo x >> {log};; esac\nexec {shutil.which("gcc")} "$@"\n')
    compiler.chmod(0o755)
    tests = """
        import pytest

        @pytest.mark.parametrize("round", range(4))
        @pytest.mark.hotplate("two.c")
        def test_it(hotplate_cell, round):
            assert hotplate_cell() > 0
    """
    environ = {"HOTPLATE_CACHE_DIR": str(tmp_path / "cache")}
    options = ("-n2", f"--hotplate-compiler={compiler}")
    two = "double one(void) { return 1; }\ndouble two(double one) { return 2 * one; }\n"
    ended = pytest_of({"two.c": two, "test_it.py": tests}, *options, environ=environ)
    assert list(ended.outcomes.values()) == ["PASSED"] * 8, ended.output
    assert len(log.read_text().split()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="sanitizers of isolated cells need Linux")
def test_sanitizers_say_what_a_cell_did_wrong(pytest_of: Callable[..., Ended]) -> None:
    past = "double past(void) { volatile double x[2] = {1, 2}; volatile int i = 2; return x[i]; }\n"
    ended = pytest_of({"crashing.c": past, "test_it.py": CELLS}, "--hotplate-sanitize")
    assert ended.outcomes == {"test_it[past]": "FAILED"}
    assert "crashing.c:1:" in ended.of("test_it[past]")
    assert "stack-buffer-overflow" in ended.output or "out of bounds" in ended.output


def test_who_asks_for_a_traceback_gets_one(pytest_of: Callable[..., Ended]) -> None:
    tests = """
        from hotplate.errors import InputError

        def test_it(hotplate_open):
            raise InputError("too much")
    """
    assert "in test_it\n    raise InputError" in pytest_of({"test_it.py": tests}, "--tb=short").of("test_it")


def test_nothing_of_hotplate_is_imported_by_a_run_that_does_not_use_it(pytest_of: Callable[..., Ended]) -> None:
    tests = """
        import sys

        def test_it(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("hotplate")
            loaded = {name for name in sys.modules if name.startswith("hotplate.")}
            assert {name for name in loaded if not name.startswith("hotplate.pytest_plugin")} == set()
            assert "numpy" not in sys.modules
    """
    ended = pytest_of({"test_it.py": tests}, "-p", "no:benchmark", "-p", "no:hypothesispytest")
    assert ended.outcomes == {"test_it": "PASSED"}, ended.output


# ---- the page


def test_the_page_shows_what_pytest_prints(pytest_of: Callable[..., Ended]) -> None:
    text = (ROOT / "docs/pytest.md").read_text("utf-8")
    fences = re.findall(r"^```(?:c|python|text) (file|output)=(\S+)\n(.*?)^```$", text, re.M | re.S)
    quick = ("--benchmark-max-time=0", "--benchmark-min-rounds=1")
    ended = pytest_of({name: content for kind, name, content in fences if kind == "file"}, *quick)
    shown = comparable(ended.output)
    claimed = [line for kind, _, content in fences if kind == "output" for line in comparable(content)]
    assert len(claimed) > 10
    assert [line for line in claimed if line not in shown] == [], ended.output
    assert ended.outcomes["test_speed[mean]"] == ended.outcomes["test_a_step[u1-0.5]"] == "PASSED"


def comparable(output: str) -> list[str]:
    """The lines, without what pytest adds to fill them."""
    return [re.sub(r" +\[ *\d+%\]$", "", line).strip("_ ") for line in output.splitlines()]
