"""Cells that crash for real, and what sanitizers say of them when they are called again."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.errors import CellCrashed, LoadError, SettingError
from hotplate.execute.workers.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotplate.execute.workers.crash.report import CrashReport
    from hotplate.session import Notebook

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="workers are for Linux so far")

C = """\
#include <hotplate.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

double reads(int64_t n, const double u0[n]) {
    double sum = 0;
    for (int64_t i = 0; i <= n; i++) sum += u0[i];
    return sum + u0[n << 40];
}

void writes(int64_t n, double out[n]) {
    for (int64_t i = 0; i < n; i++) out[i + 1] = 1;
    out[n << 40] = 1;
}

void copies(int64_t n, const double u0[n], double out[n]) {
    memcpy(out, u0, (size_t)(n + 1) * sizeof *out);
    out[n << 40] = 1;
}

struct node { struct node *next; int64_t value; };

static struct node *made(void) { return calloc(1, sizeof(struct node)); }

int64_t freed(int64_t k) {
    struct node *node = made();
    node->value = k;
    free(node);
    return node->next->value;
}

double null_pointer(int64_t k) {
    const double *values = k ? (const double *)&k : NULL;
    return values[3];
}

int64_t divided(int64_t k) { return 100 / k; }

int64_t wrapped(int32_t k) { return 100 / (k * 65536); }

static int64_t deep(volatile int64_t *before) {
    volatile int64_t here[500];
    here[0] = *before + 1;
    return deep(here) + here[3];
}

int64_t recurses(int64_t k) {
    volatile int64_t first = k;
    return deep(&first);
}

int64_t scratch(hp_ctx *ctx, int64_t k) {
    int64_t *values = hp_alloc(ctx, 80);
    return values[k] + values[k << 40];
}

void grown(int64_t n, int64_t more, hp_out *out) {
    double *values = HP_ARRAY(out, double, n);
    for (int64_t i = 0; i < n + more; i++) values[i] = 1;
    if (more) values[n << 40] = 1;
}

void spoils(int64_t n, const double u0[n], double out[n]) {
    memcpy(out, u0, (size_t)n * sizeof *out);
    ((double *)u0)[0] = 1;
}

int64_t gives_up(int64_t k) {
    if (k) abort();
    return k;
}
"""

CPP = """\
#include <cstdint>
#include <hotplate.hpp>

namespace {
double at(const double *values, std::int64_t i) { return values[i]; }
}

double behind(std::int64_t k) {
    const double *values = new double[4]();
    return at(values, k) + at(values, k << 40);
}

double viewed(hp::in<double, "n"> u0, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i <= n; i++) sum += u0(i);
    return sum + u0(n << 40);
}
"""

TEN = np.arange(10.0)
FOUND = {
    "reads": ({"u0": TEN}, "heap-buffer-overflow: read of 8 bytes, 0 bytes behind the 80 bytes of `u0` (float64[10])"),
    "writes": ({"n": 10}, "heap-buffer-overflow: write of 8 bytes, 0 bytes behind the 80 bytes of `out`"),
    "copies": (
        {"u0": TEN},
        "heap-buffer-overflow: read of 88 bytes, 0 bytes behind the 80 bytes of `u0` (float64[10])",
    ),
    "grown": ({"n": 10, "more": 1}, "write of 8 bytes, 0 bytes behind 80 bytes that were allocated"),
    "spoils": ({"u0": TEN}, "written-input: it has written to `u0` (float64[10]), which other cells share"),
    "freed": ({"k": 1}, "heap-use-after-free: read of 8 bytes, 0 bytes into 16 bytes that were freed"),
    "null_pointer": ({"k": 0}, "null pointer"),
    "divided": ({"k": 0}, "division by zero"),
    "wrapped": ({"k": 65536}, "signed integer overflow: 65536 * 65536 cannot be represented in type 'int"),
    "recurses": ({"k": 0}, "stack-overflow: the recursion of deep is too deep"),
    "scratch": ({"k": 12}, "heap-buffer-overflow: read of 8 bytes, 16 bytes behind 80 bytes that were allocated"),
}
WHERE = {
    "reads": "sum += u0[i]",
    "writes": "out[i + 1] = 1",
    "copies": "memcpy",
    "grown": "values[i] = 1",
    "spoils": "",
    "freed": "node->next->value",
    "null_pointer": "values[3]",
    "divided": "100 / k",
    "wrapped": "k * 65536",
    "recurses": "deep",
    "scratch": "values[k]",
}


def needs(compiler: str, *before: Any) -> Any:
    """A compiler as the last parameter, for machines that have it."""
    missing = not shutil.which(compiler)
    return pytest.param(*before, compiler, marks=pytest.mark.skipif(missing, reason=f"there is no {compiler}"))


def crash(nb: Notebook, cell: str, **options: Any) -> CrashReport:
    """The report on a cell that crashes."""
    with pytest.raises(CellCrashed) as caught:
        nb.run(cell, **options)
    report: CrashReport = caught.value.report
    return report


def diagnosed(file: Path, cell: str, compiler: str = "gcc", **given: Any) -> CrashReport:
    """The same, called again with sanitizers."""
    return crash(hotplate.open(file, compiler=compiler), cell, executor="process", on_crash="diagnose", inputs=given)


@pytest.mark.parametrize(
    ("cell", "compiler"),
    [
        *(needs("gcc", cell) for cell in FOUND),
        *(needs("clang", cell) for cell in ("reads", "freed", "null_pointer")),
    ],
)
def test_what_a_cell_did_wrong_is_said_on_its_line(notebook: Callable[..., Path], cell: str, compiler: str) -> None:
    given, words = FOUND[cell]
    report = diagnosed(notebook(C), cell, compiler, **given)
    assert report.diagnosis is not None
    assert report.diagnosis.findings, report.diagnosis.words
    found = next((found for found in report.diagnosis.findings if words in found.message), None)
    assert found is not None, report.message
    assert WHERE[cell] in found.source
    assert found.render() in report.message


@pytest.mark.parametrize(
    ("cell", "given", "compiler"), [needs("g++", "viewed", {"u0": TEN}), needs("clang", "behind", {"k": 5})]
)
def test_cells_in_cpp_are_diagnosed_as_those_in_c(
    notebook: Callable[..., Path], cell: str, given: dict[str, Any], compiler: str
) -> None:
    report = diagnosed(notebook(CPP, ".cpp"), cell, compiler.replace("g++", "gcc"), **given)
    assert report.diagnosis is not None
    first = report.diagnosis.findings[0]
    assert "heap-buffer-overflow: read of 8 bytes" in first.message
    assert first.source.strip().startswith(("double at(", "for ("))


def test_a_use_after_free_says_where_it_was_freed_and_allocated(notebook: Callable[..., Path]) -> None:
    report = diagnosed(notebook(C), "freed", k=1)
    assert report.diagnosis is not None
    notes = {note.message: note.source.strip() for note in report.diagnosis.findings[0].notes}
    assert notes["freed here, in freed"] == "free(node);"
    assert "calloc" in notes["allocated here, in made"]


STATE = """\
#include <hotplate.h>
#include <stdint.h>

// %% Counter impure
int64_t third(hp_ctx *ctx) {
    int64_t *calls = hp_state(ctx, 8, 1);
    static const int64_t none = 0;
    calls[0]++;
    return 100 / (calls[0] == 3 ? none : calls[0]);
}
"""


def test_the_memory_of_a_cell_is_what_it_was_before_the_call(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(STATE))
    options: dict[str, Any] = {"executor": "process", "on_crash": "diagnose"}
    assert [nb.run("third", **options)["third"] for _ in range(2)] == [100, 50]
    for _ in range(2):  # the crash has changed nothing, nor has the diagnosis
        report = crash(nb, "third", **options)
        assert report.diagnosis is not None
        assert report.diagnosis.findings[0].message == "division by zero"


ONCE = """\
#include <stdio.h>
#include <stdlib.h>

int once(const char *path) {
    if (fopen(path, "r")) return 1;
    fopen(path, "w");
    puts("the first time");
    abort();
}
"""


def test_what_does_not_happen_again_is_called_so(notebook: Callable[..., Path], tmp_path: Path) -> None:
    report = diagnosed(notebook(ONCE), "once", path=str(tmp_path / "mark"))
    assert report.diagnosis is not None
    assert report.diagnosis.words.endswith("it did not happen again under AddressSanitizer and UBSan")
    assert not report.diagnosis.findings


def test_a_crash_that_sanitizers_have_no_objection_to_is_told_as_it_is(notebook: Callable[..., Path]) -> None:
    report = diagnosed(notebook(C), "gives_up", k=1)
    assert report.diagnosis is not None
    assert "it crashed: abort() was called" in report.diagnosis.words


def test_what_the_cell_prints_is_not_printed_twice(
    notebook: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    text = (
        '#include <stdio.h>\n#include <stdlib.h>\nint says(int k) { puts("once"); fflush(stdout); return 100 / k; }\n'
    )
    diagnosed(notebook(text), "says", k=0)
    printed = capfd.readouterr()
    assert printed.out.count("once") == 1
    assert "runtime error" not in printed.err


def test_an_undiagnosed_crash_says_how_to_find_out_more(notebook: Callable[..., Path]) -> None:
    report = crash(hotplate.open(notebook(C)), "divided", executor="process", k=0)
    assert report.diagnosis is None
    assert "--on-crash=diagnose" in report.message.splitlines()[-1]


def test_an_exit_is_no_crash_to_diagnose(notebook: Callable[..., Path]) -> None:
    report = diagnosed(notebook("#include <stdlib.h>\nint leaves(int k) { exit(k); }\n"), "leaves", k=3)
    assert report.diagnosis is None
    assert "--on-crash" not in report.message


def test_other_words_for_on_crash_are_refused(notebook: Callable[..., Path]) -> None:
    with pytest.raises(SettingError, match="it can be 'report' or 'diagnose'"):
        hotplate.open(notebook(C)).run("divided", on_crash="ignore", k=1)


def test_a_sandboxed_cell_is_diagnosed_as_any_other(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(C), policy=Policy.strict())
    try:
        nb.run("divided", k=1)
    except SettingError as refused:
        pytest.skip(str(refused))
    report = crash(nb, "divided", on_crash="diagnose", k=0)
    assert report.signal == "SIGFPE"
    assert report.diagnosis is not None
    assert [found.message for found in report.diagnosis.findings] == ["division by zero"], report.diagnosis.words


# ---- from the start ----


@pytest.mark.parametrize("compiler", [needs("gcc"), needs("clang")])
def test_with_sanitize_the_first_finding_ends_the_cell(
    notebook: Callable[..., Path], compiler: str, capfd: pytest.CaptureFixture[str]
) -> None:
    nb = hotplate.open(notebook(C), compiler=compiler, sanitize=True)
    report = crash(nb, "wrapped", k=65536)
    assert report.headline.startswith("crashed: signed integer overflow")
    assert "k * 65536" in report.where.source
    assert "runtime error" not in capfd.readouterr().err
    assert nb.run("divided", k=5)["divided"] == 20
    assert nb.run("grown", n=3, more=0)["grown"].tolist() == [1, 1, 1]


def test_with_sanitize_a_cell_is_never_loaded_into_this_process(notebook: Callable[..., Path]) -> None:
    nb = hotplate.open(notebook(C), sanitize=True)
    assert nb.load("divided").isolated
    assert not [found for found in nb.check() if found.severity == "error"]


def test_with_sanitize_a_library_that_dies_while_it_is_opened_says_where(notebook: Callable[..., Path]) -> None:
    text = """\
    #include <cstdint>
    static std::int64_t table[3] = {1, 2, 3};
    static volatile std::int64_t behind = 3;
    static std::int64_t first = table[behind];
    std::int64_t value() { return first; }
    """
    with pytest.raises(LoadError, match=r"index 3 out of bounds") as caught:
        hotplate.open(notebook(text, ".cpp"), sanitize=True).run("value")
    assert "static std::int64_t first = table[behind];" in str(caught.value)


def test_a_crash_in_a_run_shows_its_first_line_in_the_table(
    notebook: Callable[..., Path], command: Callable[..., Any]
) -> None:
    told = command("run", notebook(C), "divided", "--set", "k=0", "--executor", "process")
    assert [line[:16] for line in told.out.splitlines() if "SIGFPE" in line] == ["divided  crashed"]
    assert "inputs: k: 0" not in told.out
    assert "inputs: k: 0" in told.err


def test_both_are_options_of_run(notebook: Callable[..., Path], command: Callable[..., Any]) -> None:
    path = notebook(C)
    told = command("run", path, "divided", "--set", "k=0", "--executor", "process", "--on-crash=diagnose", "--json")
    assert told.code == 1
    (cell,) = json.loads(told.out)["cells"]
    assert (cell["status"], cell["crash"]["signal"]) == ("crashed", "SIGFPE")
    assert cell["crash"]["diagnosis"]["findings"][0]["message"] == "division by zero"
    assert cell["crash"]["line"] == C.split("\n").index("int64_t divided(int64_t k) { return 100 / k; }") + 1
    sanitized = command("run", path, "divided", "--set", "k=0", "--sanitize")
    assert sanitized.code == 1
    assert "division by zero" in sanitized.err
