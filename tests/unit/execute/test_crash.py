"""What is said of a cell that killed its process: real cells, crashed in a process that arms the worker's handler."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from hotplate import notebook as notation
from hotplate.errors import CellCrashed, ToolchainError
from hotplate.execute.workers.crash.causes import is_stack_overflow, oom_kills
from hotplate.execute.workers.crash.record import RECORD_SIZE, Access, CrashRecord
from hotplate.execute.workers.crash.report import CrashReport, Stage, explain_death
from hotplate.toolchain import Artifact
from hotplate.toolchain.toolchain import Toolchain
from hotplate.toolchain.unit import make_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    Crash = Callable[..., CrashReport]

pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the handler is for Linux")

ROOT = Path(__file__).resolve().parents[3]
MODULES = 328
"""Where the slots begin in a record."""
BAD, INVALID = "0x123456789000", "0x10"

# The access is volatile where its line counts: else clang gives a load that it moves the line of the call.
C = """
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline double helper(const double *p, int64_t i) {
    const volatile double *at = p;
    return at[i] * 2; // helper reads
}

double inlined(int64_t p) {
    double sum = 1;
    sum += helper((const double *)p, 3); // inlined calls
    return sum;
}

double writing(int64_t p) {
    *(volatile double *)p = 1; // writing
    return 0;
}

double copying(int64_t p, int64_t n) {
    char block[256];
    memcpy(block, (const char *)p, (size_t)n); // copying
    return block[n / 2];
}

static int64_t deeper(int64_t n) {
    volatile char room[200];
    room[n % 200] = (char)n;
    return n < 0 ? 0 : deeper(n + 1) + room[n % 200]; // deeper
}

int64_t recursing(int64_t n) {
    return deeper(n) + 1; // recursing
}

int64_t roomy(int64_t n) {
    volatile char room[4 << 20];
    room[n] = 1;
    return room[n]; // roomy
}

int64_t aborting(int64_t n) {
    if (n == 16) abort(); // aborting
    return n;
}

int64_t dividing(int64_t n) {
    return 100 / (n - 16); // dividing
}

int64_t calling(int64_t p) {
    int64_t (*function)(void) = (int64_t (*)(void))p;
    return function() + 1; // calling
}

int64_t trapping(int64_t n) {
    if (n == 16) __builtin_trap(); // trapping
    return n;
}

int64_t raising(int64_t n) {
    raise(SIGSEGV); // raising
    return n;
}

int64_t leaving(int64_t n) {
    exit((int)n - 13);
}

static int compare(const void *a, const void *b) {
    return **(const int *const *)a - **(const int *const *)b; // compare
}

static void *job(void *p) {
    *(volatile char *)p = 1; // job
    return p;
}

int64_t threading(int64_t p) {
    pthread_t thread;
    pthread_create(&thread, NULL, job, (void *)p);
    return pthread_join(thread, NULL);
}

static void *overflow(void *p) {
    return (void *)deeper((int64_t)p);
}

int64_t overflowing(int64_t n) {
    pthread_t thread;
    pthread_create(&thread, NULL, overflow, (void *)n);
    return pthread_join(thread, NULL);
}

// %% flags="-fopenmp"

int64_t parallel(int64_t p) {
    int64_t sum = 0;
    #pragma omp parallel for reduction(+ : sum)
    for (int64_t i = 0; i < 100; i++)
        sum += ((volatile int64_t *)p)[i]; // parallel
    return sum;
}

// %% flags="-Wl,-Ttext-segment=0x200000"

int64_t based(int64_t p) {
    return *(volatile int64_t *)p; // based
}

// %%

int64_t constant(int64_t i) {
    ((volatile char *)"text")[i] = 1; // constant
    return i;
}

int64_t sorting(int64_t p) {
    const int *pointers[] = {(const int *)p, (const int *)p};
    qsort(pointers, 2, sizeof *pointers, compare); // sorting
    return 0;
}
"""

CPP = """
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace shapes {
struct circle {
    const double *radius;
    double area() const { return *radius * *radius; } // area
};
} // namespace shapes

double inlined(int64_t p) {
    const shapes::circle round{reinterpret_cast<const double *>(p)};
    return round.area(); // inlined calls
}

double standard(int64_t p) {
    std::vector<double> values(3);
    return values[static_cast<std::size_t>(p)]; // standard
}

static volatile int64_t zero = 0;
struct early {
    int64_t value;
    early() : value(7 / zero) {} // early
};
/* before */ static early first; // first

int64_t global() {
    return first.value;
}

double copying(int64_t p, int64_t n) {
    char block[256];
    std::memcpy(block, reinterpret_cast<const char *>(p), static_cast<std::size_t>(n)); // copying
    return block[n / 2];
}

template <class T> T twice(const T *p) {
    return *p * 2; // twice
}

double templated(int64_t p) {
    return twice(reinterpret_cast<const double *>(p)); // templated
}

int64_t throwing(int64_t n) noexcept {
    if (n == 16) throw std::runtime_error("no"); // throwing
    return n;
}
"""


@dataclass(frozen=True)
class Built:
    """A notebook's cells, built with one compiler."""

    path: Path
    text: str
    libraries: dict[str, Path]

    def line(self, mark: str) -> int:
        return next(i for i, text in enumerate(self.text.split("\n"), 1) if text.endswith(f"// {mark}"))


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("driver") / "driver"
    sources = [Path(__file__).with_name("crash_driver.c"), *sorted((ROOT / "csrc/worker").glob("crash*.c"))]
    folders = [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'csrc/include'}"]
    subprocess.run(["gcc", "-O1", "-g", *folders, *sources, "-o", program, "-ldl", "-lpthread"], check=True)
    return program


@cache
def built(compiler: str, suffix: str, folder: Path, cells: frozenset[str] | None = None) -> Built:
    toolchain = Toolchain(compiler=compiler)
    path = folder / f"crash-{compiler}{suffix}"
    text = CPP if suffix == ".cpp" else C
    path.write_text(text, "utf-8")
    model = notation.parse(path, text)
    try:
        toolchain.compiler(model.language.value)
    except ToolchainError as error:
        pytest.skip(f"{compiler} is not installed: {error}")
    found = toolchain.build_all([make_unit(model, name, toolchain) for name in cells or model.cells])
    libraries = {name: result.library for name, result in found.items() if isinstance(result, Artifact)}
    assert set(libraries) == set(found)
    return Built(path, text, libraries)


@pytest.fixture
def crash(driver: Path, tmp_path: Path) -> Crash:
    """Crashes a cell, called with these numbers, and explains it."""

    def run(notebook: Built, cell: str, *arguments: str, text: str | None = None, **facts: Any) -> CrashReport:
        record = tmp_path / "record"
        record.write_bytes(bytes(RECORD_SIZE))
        library = notebook.libraries[cell]
        done = subprocess.run([driver, library, record, *arguments], capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        facts = {"output": output, "record": record.read_bytes(), "libraries": {3: library}} | facts
        return explain_death(
            cell, done.returncode, notebook=notebook.path, text=text or notebook.text, **facts
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture
def c(folder: Path) -> Built:
    return built("gcc", ".c", folder)


MOST = ("gcc", "clang")
SOME = frozenset({"inlined", "copying", "recursing"})


@pytest.fixture(params=[*MOST, "zig", "tcc"])
def any_c(request: pytest.FixtureRequest, folder: Path) -> Built:
    return built(request.param, ".c", folder, None if request.param in MOST else SOME)


@pytest.fixture(params=MOST)
def most_c(request: pytest.FixtureRequest, folder: Path) -> Built:
    return built(request.param, ".c", folder)


@pytest.fixture(params=MOST)
def cpp(request: pytest.FixtureRequest, folder: Path) -> Built:
    return built(request.param, ".cpp", folder)


def notes(report: CrashReport) -> list[tuple[str, int]]:
    return [(note.message, note.line) for note in report.where.notes]


# ---- the line of the notebook ----


def test_a_crash_in_an_inlined_helper_names_its_line_and_the_call(any_c: Built, crash: Crash) -> None:
    report = crash(any_c, "inlined", BAD)
    assert (report.where.path, report.where.line) == (str(any_c.path), any_c.line("helper reads"))
    assert report.where.source == "    return at[i] * 2; // helper reads"
    assert notes(report) == [("called from inlined", any_c.line("inlined calls"))]
    assert [frame.function for frame in report.frames] == ["helper", "inlined"]


def test_a_crash_in_the_c_library_names_the_call_in_the_notebook(any_c: Built, crash: Crash) -> None:
    report = crash(any_c, "copying", BAD, "200")
    assert report.where.line == any_c.line("copying")
    assert report.where.notes == ()
    if report.frames[0].library:  # else the compiler has made instructions of memcpy
        assert report.frames[0].library.startswith("libc.so")
        assert re.search(r"here, in copying, in its call of .*libc\.so", report.message)


def test_a_recursion_that_is_too_deep_is_told_from_other_crashes(any_c: Built, crash: Crash) -> None:
    report = crash(any_c, "recursing", "1")
    assert re.fullmatch(r"called from deeper, \d+ times or more", report.where.notes[0].message)
    assert "stack overflow: the recursion of deeper is too deep (SIGSEGV)" in report.headline
    assert any_c.line("deeper") - 3 <= report.where.line <= any_c.line("deeper")


@pytest.mark.parametrize(
    ("cell", "argument", "words"),
    [
        ("writing", "0", "crashed: write at address 0x0: a null pointer (SIGSEGV)"),
        ("writing", "0x18", "crashed: write at address 0x18: an element or a field of a null pointer (SIGSEGV)"),
        ("writing", BAD, f"crashed: write at address {BAD}: there is no memory; an index is out of range, or a pointer "
         "is stale (SIGSEGV)"),
        ("writing", "0x7fffffffffffff00", "crashed: access through a pointer that can't be one, or to data not aligned "
         "as the instruction needs it (SIGSEGV)"),
        ("aborting", "16", "crashed: abort() was called (SIGABRT)"),
        ("dividing", "16", "crashed: integer division by zero, or of the smallest integer by -1 (SIGFPE)"),
        ("calling", "0", "crashed: call of address 0x0: a function pointer that is null (SIGSEGV)"),
        ("calling", "0x77", "crashed: call of address 0x77: there is no code (SIGSEGV)"),
        ("roomy", "5", "crashed: stack overflow: the local variables of roomy do not fit into the 1 MiB that it has; "
         "allocate them (hp_alloc) (SIGSEGV)"),
    ],
)  # fmt: skip
def test_each_way_to_crash_has_its_words_and_its_line(
    most_c: Built, crash: Crash, cell: str, argument: str, words: str
) -> None:
    report = crash(most_c, cell, argument)
    assert report.headline == words
    if cell == "roomy":  # compilers differ in which of its lines touches the stack first
        assert most_c.line("roomy") - 3 <= report.where.line <= most_c.line("roomy")
    else:
        assert report.where.line == most_c.line(cell)


def test_a_trap_of_the_compiler_is_no_foreign_instruction(c: Built, crash: Crash) -> None:
    report = crash(c, "trapping", "16")
    assert "crashed: a trap that the compiler put where the program can't go on" in report.headline
    assert report.where.line == c.line("trapping")


def test_a_signal_that_the_cell_sends_itself_is_no_bad_access(c: Built, crash: Crash) -> None:
    report = crash(c, "raising", "1")
    assert re.fullmatch(
        r"crashed: the signal was sent by process \d+, with raise\(\) or kill\(\) \(SIGSEGV\)", report.headline
    )
    assert (report.address, report.where.line) == (None, c.line("raising"))


def test_a_call_through_the_c_library_shows_the_whole_path(c: Built, crash: Crash) -> None:
    report = crash(c, "sorting", BAD)
    assert report.where.line == c.line("compare")
    assert notes(report)[-1] == ("called from sorting", c.line("sorting"))
    assert any("libc.so" in message for message, _ in notes(report)[:-1])


def test_a_library_whose_addresses_do_not_start_at_zero_is_read_alike(c: Built, crash: Crash) -> None:
    assert crash(c, "based", "16").where.line == c.line("based")


def test_a_write_to_what_may_only_be_read_says_so(c: Built, crash: Crash) -> None:
    report = crash(c, "constant", "1")
    assert "it may only be read: an input, a constant, text in quotes" in report.headline
    assert report.where.line == c.line("constant")


def test_a_crash_in_a_thread_of_the_cell_says_so(c: Built, crash: Crash) -> None:
    report = crash(c, "threading", "16")
    assert report.headline.startswith("crashed in a thread that it started: write at address 0x10")
    assert report.where.line == c.line("job")


def test_a_crash_in_a_parallel_loop_names_its_line(c: Built, crash: Crash) -> None:
    report = crash(c, "parallel", BAD)
    assert report.where.line == c.line("parallel")


def test_a_stack_overflow_in_a_thread_of_the_cell_is_named_as_likely(c: Built, crash: Crash) -> None:
    report = crash(c, "overflowing", "1")
    assert "Where is not known: a thread's stack has overflowed" in report.headline


def test_the_end_of_the_process_by_exit_is_no_crash(c: Built, crash: Crash) -> None:
    report = crash(c, "leaving", "16")
    assert (report.headline, report.signal, report.frames) == ("ended the process: exit(3)", "", ())


# ---- C++ ----


def test_a_method_is_named_with_its_class(cpp: Built, crash: Crash) -> None:
    report = crash(cpp, "inlined", BAD)
    assert report.where.line == cpp.line("area")
    assert report.frames[0].function == "shapes::circle::area"
    assert notes(report) == [("called from inlined", cpp.line("inlined calls"))]


def test_a_crash_in_the_standard_library_names_the_line_in_the_notebook(cpp: Built, crash: Crash) -> None:
    report = crash(cpp, "standard", "0x10000000000")
    assert report.where.line == cpp.line("standard")
    assert [frame.function for frame in report.frames if frame.in_notebook] == ["standard"]


def test_a_crash_of_a_global_variable_names_its_line_before_the_library_has_a_slot(cpp: Built, crash: Crash) -> None:
    report = crash(cpp, "global", stage=Stage.INIT)
    assert report.headline.startswith("crashed while its global variables were set up: integer division by zero")
    assert report.where.line == cpp.line("early")
    assert notes(report)[0][1] == cpp.line("first")


def test_memcpy_and_templates_lead_to_the_notebook(cpp: Built, crash: Crash) -> None:
    assert crash(cpp, "copying", BAD, "200").where.line == cpp.line("copying")
    report = crash(cpp, "templated", BAD)
    assert (report.where.line, notes(report)) == (
        cpp.line("twice"),
        [("called from templated", cpp.line("templated"))],
    )


def test_an_exception_that_nobody_may_catch_is_an_abort_at_its_throw(cpp: Built, crash: Crash) -> None:
    report = crash(cpp, "throwing", "16")
    assert report.headline == "crashed: abort() was called (SIGABRT)"
    assert report.where.line == cpp.line("throwing")
    assert "what():  no" in report.message


# ---- the notebook has changed since ----


def test_code_that_has_moved_since_the_build_is_found_again(c: Built, crash: Crash) -> None:
    report = crash(c, "inlined", BAD, text="// new\n" * 50 + c.text)
    assert report.where.line == c.line("helper reads") + 50
    assert notes(report) == [("called from inlined", c.line("inlined calls") + 50)]


def test_among_equal_lines_the_one_in_the_same_surroundings_is_taken(c: Built, crash: Crash) -> None:
    copy = c.text.replace("helper", "other").replace("inlined", "another").replace("other reads", "helper reads")
    report = crash(c, "inlined", BAD, text=copy + c.text)
    assert report.where.line == c.line("helper reads") + copy.count("\n")


def test_a_line_that_is_gone_is_not_shown_as_another(c: Built, crash: Crash) -> None:
    report = crash(c, "inlined", BAD, text=c.text.replace("at[i] * 2;", "at[i] * 3;"))
    assert report.where.line == c.line("inlined calls")
    assert "here, in inlined, in its call of helper" in report.message


# ---- what is left when little is known ----


def test_without_a_record_the_signal_is_still_told(c: Built, crash: Crash) -> None:
    report = crash(c, "writing", "0", record=b"")
    assert report.headline.startswith("crashed: bad memory access. Where is not known")
    assert (report.frames, report.where.line) == ((), 0)


def test_a_record_that_a_cell_wrote_over_is_left_alone(c: Built, crash: Crash) -> None:
    for content in (b"\xff" * RECORD_SIZE, os.urandom(RECORD_SIZE), b"short"):
        assert crash(c, "writing", "0", record=content).headline.startswith("crashed: bad memory access")


def test_a_record_of_another_signal_than_the_last_is_left_alone(c: Built, crash: Crash, tmp_path: Path) -> None:
    crash(c, "writing", "0")
    record = (tmp_path / "record").read_bytes()
    report = explain_death("writing", -signal.SIGKILL, notebook=c.path, text=c.text, record=record)
    assert report.headline.startswith("was killed")


def test_a_library_that_was_closed_is_not_taken_for_the_one_that_lies_there_now(
    c: Built, crash: Crash, tmp_path: Path
) -> None:
    crash(c, "writing", "0")
    record = bytearray((tmp_path / "record").read_bytes())
    closed, now = (slice(at, at + 16) for at in (MODULES + 16, MODULES + 3 * 16))
    record[closed] = record[now]
    assert crash(c, "writing", "0", record=record).where.line == c.line("writing")


def test_a_damaged_library_costs_only_the_line(c: Built, crash: Crash, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(c.libraries["writing"].read_bytes()[:3000])
    report = crash(c, "writing", "0", libraries={3: damaged})
    assert report.headline == "crashed: write at address 0x0: a null pointer (SIGSEGV)"
    assert report.where.line == 0


def test_a_library_without_debug_information_names_the_function(c: Built, crash: Crash, tmp_path: Path) -> None:
    stripped = tmp_path / "stripped.so"
    subprocess.run(["objcopy", "--strip-debug", c.libraries["sorting"], stripped], check=True)
    report = crash(replace(c, libraries={"sorting": stripped}), "sorting", BAD)
    assert "in compare; the line in the notebook is not known" in report.message


@pytest.mark.parametrize(
    ("number", "facts", "headline"),
    [
        (
            signal.SIGKILL,
            {"out_of_memory": True},
            "was killed: by the system, most likely: it has just ended a process because memory ran out",
        ),
        (
            signal.SIGKILL,
            {},
            "was killed: by the cell itself, or by someone outside of hotplate; who, the system does not say",
        ),
        (signal.SIGXCPU, {}, "was killed: it used more CPU time than it may"),
        (signal.SIGXFSZ, {}, "was killed: it wrote a larger file than it may"),
    ],
)
def test_deaths_without_a_handler_are_told_by_their_signal(
    number: signal.Signals, facts: dict[str, bool], headline: str
) -> None:
    report = explain_death("cell", -number, notebook=Path("n.c"), text="", **facts)
    assert report.headline == f"{headline} ({number.name})"


def test_of_much_output_the_end_is_in_the_message_and_all_of_it_in_the_report() -> None:
    output = "".join(f"line {number}\n" for number in range(100))
    report = explain_death("cell", 3, notebook=Path("n.c"), text="", output=output)
    assert report.message.splitlines()[1:] == ["last output:", *(f"    line {number}" for number in range(90, 100))]
    assert report.output == output


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert explain_death("cell", -40, notebook=Path("n.c"), text="").headline.endswith("(signal 40)")


@pytest.mark.parametrize(
    ("number", "headline"),
    [
        (0xC0000005, "crashed: bad memory access (access violation, 0xc0000005)"),
        (0xC0000374, "crashed: the heap is damaged: something wrote past the end of a block, or freed it twice"),
        (0xC000013A, "was killed: by Ctrl-C"),
        (0xC0001234, "crashed: for a reason that is not known (0xc0001234)"),
    ],
)
def test_an_exception_of_windows_is_told_by_name_and_number(number: int, headline: str) -> None:
    report = explain_death("cell", number - (1 << 32), notebook=Path("n.c"), text="")
    assert report.headline.startswith(headline)


@pytest.mark.parametrize(
    ("own", "events", "expected"),
    [("0::/jobs/one\n", "low 0\noom 7\noom_kill 3\noom_group_kill 1\n", 3), ("0::/jobs/one\n", "oom_kill 0\n", 0)],
)
def test_processes_that_were_ended_for_memory_are_counted(tmp_path: Path, own: str, events: str, expected: int) -> None:
    (tmp_path / "jobs" / "one").mkdir(parents=True)
    (tmp_path / "jobs" / "one" / "memory.events").write_text(events)
    (tmp_path / "cgroup").write_text(own)
    assert oom_kills(tmp_path, tmp_path / "cgroup") == expected


def test_without_a_cgroup_of_the_new_kind_the_machine_counts(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("4:memory:/docker/1\n")
    counted = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    assert oom_kills(tmp_path, tmp_path / "cgroup") == (int(counted[1]) if counted else 0)


STACK = CrashRecord(
    signal=signal.SIGSEGV, code=1, access=Access.WRITE, address=0, pc=0, sp=0, stack_low=0x100_0000,
    stack_high=0x180_0000, main_thread=True, sender=0, system_call=-1, frames=(), modules=(), complete=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("sp", "address", "expected"),
    [
        pytest.param(0x100_0010, 0x0FF_FFF8, True, id="a push below the end"),
        pytest.param(0x0C0_0000, 0x0E0_0000, True, id="a large array reaches far below the end"),
        pytest.param(0x17F_FF00, 0x180_0000, False, id="an array is overrun upwards, past the beginning"),
        pytest.param(0x170_0000, 0x0, False, id="a null pointer"),
        pytest.param(0x170_0000, 0x0FF_0000, False, id="a pointer to just below the stack"),
    ],
)
def test_a_stack_overflow_is_told_by_stack_pointer_and_address(sp: int, address: int, expected: bool) -> None:
    assert is_stack_overflow(replace(STACK, sp=sp, address=address)) is expected


# ---- the error ----


def test_the_error_reads_like_a_compilers_finding(c: Built, crash: Crash) -> None:
    inputs = {"p": "int64", "x": "float64[512]"}
    error = CellCrashed(crash(c, "inlined", BAD, inputs=inputs, output="before\nlast words\n"))
    helper, call = c.line("helper reads"), c.line("inlined calls")
    first, second = error.report.where.column, error.report.where.notes[0].column  # compilers differ by some letters
    assert (error.cell, error.exit_code) == ("inlined", 1)
    assert str(error) == dedent(f"""\
        inlined: crashed: read at address 0x123456789018: there is no memory; an index is out of range, or a pointer is stale (SIGSEGV)
        {c.path}:{helper}:{first}: error: here, in helper
        {helper:5} |     return at[i] * 2; // helper reads
              | {" " * (first - 1)}^
        {c.path}:{call}:{second}: note: called from inlined
        {call:5} |     sum += helper((const double *)p, 3); // inlined calls
              | {" " * (second - 1)}^
        inputs: p: int64, x: float64[512]
        last output:
            before
            last words""")  # noqa: E501 - the message is one line
