"""`hotplate bench` on real notebooks, compilers and git repositories; verdicts are asked of a factor of 20 only."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hotplate.bench import Bench, Settings
from hotplate.bench.statistics import Verdict
from hotplate.errors import CellCrashed, CellFailed, CellTimedOut, HotplateError, InputError, NotebookError
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Result

NOTEBOOK = """
#include <stdint.h>

int64_t n(void) { return 100; }

void x(int64_t n, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i] = (double)i;
}

// %% Sums flops="n" bytes="8 * n"
double total(int64_t n, const double x[n]) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}
"""
BRIEFLY = ("--seconds", "0.05", "--quick")
SETTINGS = Settings(seconds=0.02, least_blocks=6)


def commit(folder: Path, text: str, name: str = "sum.c") -> Path:
    """Makes the text the newest commit of a repository in the folder."""
    (folder / name).write_text(text)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", name], [*who, "commit", "-qm", "x", "--allow-empty"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder / name


def against(folder: Path, before: str, now: str, *cells: str, settings: Settings = SETTINGS, **how: Any) -> Bench:
    """A benchmark of a file with a commit before it."""
    path = commit(folder, before)
    path.write_text(now)
    return Bench(path, cells, against=["HEAD"], settings=settings, **how)


def test_times_all_cells_with_median_spread_and_declared_rates(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    done = command("bench", "sum.c", *BRIEFLY)
    assert done.code == 0
    assert done.out.splitlines()[0].split() == ["cell", "median", "spread", "GFLOP/s", "GB/s"]
    assert [line.split()[0] for line in done.out.splitlines()[1:4]] == ["n", "x", "total"]
    starred = re.search(r"^x .*\d\*$", done.out, re.MULTILINE)
    assert starred, "what is not declared is marked"
    assert not re.search(r"^total .*\*$", done.out, re.MULTILINE)


def test_versions_with_other_results_are_not_timed_and_that_is_an_error(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    path = commit(tmp_path, NOTEBOOK)
    path.write_text(NOTEBOOK.replace("double sum = 0", "double sum = 1"))
    done = command("bench", "sum.c", "total", "--against", "HEAD", *BRIEFLY)
    assert done.code == 1
    assert "total: not timed: now gives another result than HEAD: 4950.0 against 4951.0" in done.out
    assert "median" not in done.out
    allowed = command("bench", "sum.c", "total", "--against", "HEAD", "--allow-different", *BRIEFLY)
    assert allowed.code == 0
    assert "total: now against HEAD: " in allowed.out
    assert "4950.0 against 4951.0" in allowed.out
    near = command("bench", "sum.c", "total", "--against", "HEAD", "--rtol", "1e-3", *BRIEFLY)
    assert "against HEAD: " in near.out
    assert "another result" not in near.out


def test_a_version_that_is_slower_for_sure_fails_for_ci(command: Callable[..., Result], tmp_path: Path) -> None:
    path = commit(tmp_path, NOTEBOOK)
    slow = "for (int r = 0; r < 20; r++) { sum = 0; for (int64_t i = 0; i < n; i++) sum += x[i]; }"
    path.write_text(NOTEBOOK.replace("for (int64_t i = 0; i < n; i++) sum += x[i];", slow).replace("100", "10000"))
    words = ("bench", "sum.c", "total", "--against", "HEAD", "--fail-slower")
    assert command(*words, "50%", *BRIEFLY).code == 1
    assert command(*words, "100000%", *BRIEFLY).code == 0
    done = command(*words, "50 percent", *BRIEFLY)
    assert (done.code, "is no percentage" in done.err) == (2, True)


def test_all_versions_are_given_what_the_cells_of_the_file_compute(tmp_path: Path) -> None:
    other_inputs = NOTEBOOK.replace("(double)i;", "(double)i + 7;")
    report = against(tmp_path, other_inputs, NOTEBOOK, "total").run()
    assert report.ok
    assert [timing.version for timing in report.cases[0].timings] == ["now", "HEAD"]


def test_a_version_that_takes_something_else_gets_what_its_own_cells_compute(tmp_path: Path) -> None:
    single = NOTEBOOK.replace("double out[n]", "float out[n]").replace("const double x", "const float x")
    report = against(tmp_path, single, NOTEBOOK, "total").run()
    assert report.ok
    assert report.cases[0].notes == ("total of HEAD takes other inputs, which its own cells computed",)


def test_what_only_one_version_has_is_listed(tmp_path: Path) -> None:
    before = NOTEBOOK.replace("double total", "double whole")
    report = against(tmp_path, before, NOTEBOOK).run()
    assert "whole of HEAD is not in the file any more" in report.notes
    assert {case.cell: case.notes for case in report.cases}["total"] == ("total is not in HEAD",)
    assert not report.cases[2].comparisons


def test_two_equal_texts_are_told_to_be_the_same_build(tmp_path: Path) -> None:
    made = against(tmp_path, NOTEBOOK, f"// a comment\n{NOTEBOOK}", "total").run().cases[0].comparisons[0]
    assert made.same_build


def test_flags_and_compilers_make_a_matrix_that_the_first_one_is_the_baseline_of(tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    bench = Bench(tmp_path / "sum.c", ["n"], compilers=["gcc", "tcc"], flags=[[], ["-DX"]], settings=SETTINGS)
    (case,) = bench.run().cases
    labels = ["gcc, no flags", "gcc, -DX", "tcc, no flags", "tcc, -DX"]
    assert [timing.version for timing in case.timings] == labels
    assert [(made.baseline, made.version) for made in case.comparisons] == [(labels[0], it) for it in labels[1:]]
    assert {timing.compiler.split()[0] for timing in case.timings} == {"gcc", "tcc"}


def test_sizes_are_timed_one_after_another_and_cells_that_do_not_depend_on_them_once(tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK + "double other(void) { return 1; }\n")
    report = Bench(tmp_path / "sum.c", axes={"n": [10, 1000]}, settings=SETTINGS).run()
    assert [case.name for case in report.cases] == ["x[n=10]", "x[n=1000]", "total[n=10]", "total[n=1000]", "other"]
    assert [case.timings[0].work.flops for case in report.cases] == [None, None, 10, 1000, None]
    assert [case.timings[0].work.bytes for case in report.cases] == [80, 8000, 80, 8000, 0]
    assert report.notes[0] == "n is not timed: its value is given"


def test_pytest_benchmark_compares_what_is_written(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    words = ("bench", "sum.c", "total", "--set", "n=10,100", "--flags=-O1", "--flags=-O2", *BRIEFLY)
    assert command(*words, "--json", "one.json").code == 0
    (tmp_path / "two.json").write_text((tmp_path / "one.json").read_text())
    program = Path(sysconfig.get_path("scripts"), "pytest-benchmark")
    compared = subprocess.run(
        [sys.executable, program, "compare", "one.json", "two.json", "--group-by=fullname"],
        cwd=tmp_path, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert compared.returncode == 0, compared.stderr
    for name in ("total[10--O1]", "total[100--O2]"):
        assert len(re.findall(re.escape(name), compared.stdout)) >= 2
    document = json.loads((tmp_path / "one.json").read_text())
    (made,) = document["benchmarks"][1]["extra_info"]["comparisons"]
    assert made["low"] <= made["ratio"] <= made["high"]


def test_an_error_is_no_document_on_stdout_when_the_document_goes_to_a_file(command: Callable[..., Result]) -> None:
    assert command("bench", "missing.c", "--json", "now.json").out == ""
    assert json.loads(command("bench", "missing.c", "--json", "-").out)["exit_code"] == 2


def test_json_on_stdout_is_all_that_is_there(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    done = command("bench", "sum.c", "n", "--json", "-", *BRIEFLY)
    assert [it["name"] for it in json.loads(done.out)["benchmarks"]] == ["n"]
    assert "median" in done.err


def test_draws_a_line_for_each_cell_and_version_over_a_size(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    words = ("bench", "sum.c", "total", "--set", "n=10,10000", "--flags=-O1", "--flags=-O2", "--plot", "times.svg")
    assert command(*words, *BRIEFLY).code == 0
    drawn = (tmp_path / "times.svg").read_text()
    assert [label for label in ("total, -O1", "total, -O2") if f"<!-- {label} -->" not in drawn] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--plot", "times.txt"], "plots are .png, .svg, .pdf; name it times.svg"),
        (["--plot", "nowhere/times.svg"], "there is no folder"),
        (["--plot", "times.svg"], "give one several values"),
        (["--json", "nowhere/now.json"], "there is no folder"),
        (["--json", "."], "it is a folder"),
        (["--fail-slower", "nan%"], "is no percentage"),
        (["--fail-slower", "0.05"], "write it as 5%"),
        (["--margin", "-3%"], "write it as 5%"),
        (["--margin", "0%"], "--margin 2%"),
        (["--fail-slower", "5%"], "nothing to compare with"),
        (["--set", "n=1", "--set", "n=2"], "n is given twice"),
        (["--set", "n=1:0:1"], "--set n"),
        (["--seconds", "0"], "seconds is 0.0"),
        (["--flags=-O1", "--flags=-O1"], "flags has '-O1' twice"),
        (["--against", "HEAD"], "is in no git repository"),
        (["totl"], "did you mean total?"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_with_the_way_out(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    done = command("bench", "sum.c", *words)
    assert done.code == 2
    assert message in done.err


def test_without_matplotlib_it_says_how_to_get_it(
    command: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    done = command("bench", "sum.c", "--set", "n=1,2", "--plot", "times.svg")
    assert (done.code, "pip install 'hotplate[bench]'" in done.err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_shows_what_was_measured_so_far(start: Callable[..., Any], tmp_path: Path) -> None:
    slow = """
    #include <stdio.h>
    #include <unistd.h>
    int quick(void) { return 1; }
    int slow(void) {
        static int calls;
        usleep(100000);
        if (++calls == 4) fclose(fopen("timing", "w"));
        return 1;
    }
    """
    (tmp_path / "slow.c").write_text(slow)
    process = start("bench", "slow.c", "--seconds", "1000", "--json", "part.json")
    assert eventually((tmp_path / "timing").exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("hotplate: interrupted\n")
    assert re.search(r"^quick +[\d.]+ ", out, re.MULTILINE)
    assert "; interrupted" in out
    assert "quick" in [it["name"] for it in json.loads((tmp_path / "part.json").read_text())["benchmarks"]]


@pytest.mark.skipif(sys.platform == "win32", reason="isolation is tested under Wine")
def test_an_isolated_cell_is_called_in_a_worker_before_it_may_run_here(tmp_path: Path) -> None:
    text = "// %% Risky isolate\nint risky(int n) { volatile int *p = (int *)(long)n; return n > 1 ? *p : 2; }\n"
    (tmp_path / "risky.c").write_text(text)
    with pytest.raises(CellCrashed):
        Bench(tmp_path / "risky.c", given={"n": 8}, settings=SETTINGS).run()
    (case,) = Bench(tmp_path / "risky.c", given={"n": 1}, settings=SETTINGS).run().cases
    assert case.timings
    assert "in a worker" in case.notes[0]


def test_a_cell_that_fails_ends_it_and_what_came_before_is_there(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    text = '#include <hotplate.h>\nint a(void) { return 1; }\nint b(hp_ctx *c) { hp_fail(c, "no"); return 1; }\n'
    (tmp_path / "n.c").write_text(text)
    done = command("bench", "n.c", *BRIEFLY)
    assert done.code == 1
    assert done.err.endswith("hotplate: b: no\n")
    assert re.search(r"^a +[\d.]+ ", done.out, re.MULTILINE)


def test_memory_is_a_versions_own_and_does_not_make_results_differ(tmp_path: Path) -> None:
    text = """
    #include <hotplate.h>
    int64_t calls(hp_ctx *ctx) { int64_t *count = hp_state(ctx, sizeof *count, 1); return ++*count; }
    """
    report = against(tmp_path, text, text.replace("++*count", "(*count += 1)")).run()
    assert report.ok
    assert not report.cases[0].notes


@pytest.mark.parametrize(
    ("head", "note"), [("// %% Clock impure", "it is impure"), ("// %% Clock", "it gives other results each time")]
)
def test_results_that_nobody_can_compare_are_not_compared(tmp_path: Path, head: str, note: str) -> None:
    text = f"{head}\n#include <time.h>\ndouble now(void) {{ struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t);"
    text += " return (double)t.tv_nsec; }\n"
    report = against(tmp_path, text, text.replace("(double)", "1.0 * (double)")).run()
    assert report.ok
    assert report.cases[0].notes[0].startswith(note)


def test_what_can_not_be_timed_here_is_left_out_and_named(tmp_path: Path) -> None:
    text = "int a(void) { return 1; }\n// %% T trap\nint t(void) { return 2; }\n"
    text += "// %% C clean_env\nint c(void) { return 3; }\n"
    (tmp_path / "n.c").write_text(text)
    report = Bench(tmp_path / "n.c", settings=SETTINGS).run()
    assert [case.cell for case in report.cases] == ["a"]
    assert [note.split(" is not timed")[0] for note in report.notes[:2]] == ["t", "c"]


def test_an_input_that_a_condition_left_out_is_asked_for(tmp_path: Path) -> None:
    text = '// %% A when="k > 3"\nint a(int k) { return k; }\n// %% B\nint b(int a) { return a; }\n'
    (tmp_path / "n.c").write_text(text)
    with pytest.raises(InputError, match="a has no value: its condition left it out"):
        Bench(tmp_path / "n.c", ["b"], given={"k": 1}, settings=SETTINGS).run()


def test_what_is_wrong_with_a_revision_is_told_as_of_any_notebook(tmp_path: Path) -> None:
    with pytest.raises(NotebookError, match="u is a function, but not a cell"):
        against(
            tmp_path, "void u(double *p) {} double v(double u) { return u; }\n", "int v(void) { return 1; }\n"
        ).run()


def test_an_amount_that_makes_no_sense_for_a_call_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "n.c").write_text('// %% A flops="n - 9"\nint a(int n) { return n; }\n')
    with pytest.raises(InputError, match=r'a: flops="n - 9" is -6 where n is 3'):
        Bench(tmp_path / "n.c", given={"n": 3}, settings=SETTINGS).run()


def test_a_slow_version_is_found_whatever_the_inputs_come_from(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.arange(5000.0))
    slow = "#include <stdint.h>\ndouble f(int64_t n, const double y[n]) { double s = 0; for (int r = 0; r < 20; r++)"
    slow += " { s = 0; for (int64_t i = 0; i < n; i++) s = s * 0.5 + y[i]; } return s; }\n"
    bench = against(tmp_path, slow, slow.replace("r < 20", "r < 1"), given={"y": np.load(tmp_path / "y.npy")})
    (made,) = bench.run().cases[0].comparisons
    assert made.verdict is Verdict.FASTER
    assert bench.report.slower() == ()


def test_a_version_that_fails_is_named(tmp_path: Path) -> None:
    text = '#include <hotplate.h>\nint b(hp_ctx *c) { hp_fail(c, "no"); return 1; }\n'
    with pytest.raises(CellFailed, match=r"b: no \(in HEAD\)"):
        against(tmp_path, text, text.replace('hp_fail(c, "no");', "")).run()


def test_a_failing_cell_raises_from_python(tmp_path: Path) -> None:
    (tmp_path / "n.c").write_text('#include <hotplate.h>\nint b(hp_ctx *c) { hp_fail(c, "no"); return 1; }\n')
    with pytest.raises(CellFailed, match="b: no"):
        Bench(tmp_path / "n.c", settings=SETTINGS).run()


def test_a_dimension_that_does_not_fit_the_arrays_is_refused_as_a_run_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    given, axes = {"x": np.zeros(50)}, {"n": [50, 60]}
    with pytest.raises(InputError, match="total: n is 60 but 50 in x"):
        Bench(tmp_path / "sum.c", ["total"], given=given, axes=axes, settings=SETTINGS).run()
    with pytest.raises(InputError, match="total: n is 100 but 50 in x"):
        Bench(tmp_path / "sum.c", ["total"], given=given, settings=SETTINGS).run()


BROKEN = """
// %% A
#include <hotplate.h>
// %% B
double r(void) { return 1; }
double needs(double r, double q) { return r + q; }
int fails(hp_ctx *c) { hp_fail(c, "no"); return 1; }
int crashes(void) { return *(volatile int *)8; }
int after(int crashes) { return crashes; }
double later(double r) { return r; }
"""


@pytest.mark.skipif(sys.platform == "win32", reason="isolation is tested under Wine")
def test_cells_that_can_not_run_are_told_and_the_others_timed(command: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "n.c").write_text(BROKEN)
    done = command("bench", "n.c", "--json", "n.json", *BRIEFLY)
    assert done.code == 2
    assert [it["name"] for it in json.loads((tmp_path / "n.json").read_text())["benchmarks"]] == ["r", "later"]
    assert re.findall(r"^(\w+): not timed: ", done.out, re.MULTILINE) == ["needs", "fails", "crashes", "after"]
    assert "needs a value for q" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="a crash is a signal")
def test_a_crash_after_many_calls_leaves_what_came_before_and_says_where_it_was(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    text = "double r(void) { return 1; }\nint tired(void) { static int n; return ++n > 5 ? *(volatile int *)8 : 1; }\n"
    (tmp_path / "n.c").write_text(text)
    process = start("bench", "n.c", "--json", "n.json", *BRIEFLY)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGSEGV
    assert err.index("tired: timing") < err.index("Segmentation fault")
    assert [it["name"] for it in json.loads((tmp_path / "n.json").read_text())["benchmarks"]] == ["r"]


@pytest.mark.skipif(sys.platform == "win32", reason="isolation is tested under Wine")
def test_a_version_that_crashes_is_named(tmp_path: Path) -> None:
    text = "int a(int n) { return n > 1 ? *(volatile int *)(long)n : 2; }\n"
    with pytest.raises(CellCrashed, match=r"\(in HEAD\)"):
        against(tmp_path, text, text.replace("*(volatile int *)(long)n", "3"), given={"n": 8}).run()


@pytest.mark.skipif(sys.platform == "win32", reason="isolation is tested under Wine")
def test_the_first_call_has_the_time_that_the_section_gives(tmp_path: Path) -> None:
    (tmp_path / "n.c").write_text("// %% A isolate timeout=0.2\nint a(void) { for (volatile int i = 0;; i = 1) ; }\n")
    with pytest.raises(CellTimedOut):
        Bench(tmp_path / "n.c", settings=SETTINGS).run()


@pytest.mark.parametrize("how", [{"given": {"N": 10}}, {"axes": {"N": [10, 100]}}])
def test_a_value_for_a_name_that_no_version_has_is_refused(tmp_path: Path, how: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="has no cell or input N; known are"):
        against(tmp_path, NOTEBOOK, NOTEBOOK, "total", **how).run()


def test_a_revision_that_lacks_a_cell_because_its_text_is_broken_is_an_error_at_its_place_there(
    tmp_path: Path,
) -> None:
    with pytest.raises(HotplateError, match=r"^HEAD:sum\.c:1:"):
        against(tmp_path, "double f(long n) { retu", "double f(long n) { return n; }\n", given={"n": 1}).run()


def test_where_nothing_could_be_compared_nothing_is_sure_not_to_be_slower(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    commit(tmp_path, "int other(void) { return 1; }\n").write_text("int f(void) { return 1; }\n")
    done = command("bench", "sum.c", "--against", "HEAD", "--fail-slower", "5%", *BRIEFLY)
    assert (done.code, "nothing was compared" in done.err) == (2, True)


def test_a_notebook_without_cells_is_refused_as_a_run_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "empty.c").write_text("// nothing\n")
    with pytest.raises(InputError, match="has no cells"):
        Bench(tmp_path / "empty.c", settings=SETTINGS).run()


def test_it_says_whose_remarks_there_are_and_that_there_are_none(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "sum.c").write_text(NOTEBOOK)
    done = command("bench", "sum.c", "n", "--compiler", "gcc", "--flags=-O1", "--flags=-O3", "--remarks", *BRIEFLY)
    assert "no remarks about loops of -O1: " in done.out


def test_what_is_said_of_a_cell_that_was_not_timed_names_no_compiler(
    command: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "n.c").write_text("double f(double q) { return q; }\n")
    done = command("bench", "n.c", *BRIEFLY)
    assert "f: not timed: " in done.out
    assert not re.search("^;", done.out, re.MULTILINE)
