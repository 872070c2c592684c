"""What goes wrong with loaded libraries, and the rule that keeps it from happening.

Where the failure can be shown, a test without the rule stands beside the one with it: plain libraries through ctypes,
in a process of their own, for most of them end it. What has to be right inside a library is in
tests/unit/toolchain/test_loading_rules.py.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hotplate
from hotplate.cli.doctor import examine, render
from hotplate.errors import LoadError
from hotplate.load import Library, LoadedCell, library, library_report, reclaim
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the table is that of Linux")

CRASHES = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT}


@pytest.fixture
def plain(tmp_path: Path) -> Callable[..., Path]:
    """A library without any of the rules: `plain(name, text, *flags)`."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")

    def build(name: str, text: str, *flags: str, language: str = "c") -> Path:
        path = tmp_path / name
        command = [compiler, "-x", language, "-shared", "-fPIC", *flags, "-", "-o", str(path), "-lstdc++"]
        subprocess.run(command, input=text.encode(), check=True)
        return path

    return build


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "faulthandler=0", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def maps() -> str:
    return Path("/proc/self/maps").read_text()


def is_mapped(path: Path) -> bool:
    return str(path) in maps()


def gone(path: Path) -> bool:
    """Whether the library is unloaded. A thread that ended may be listed by the system a little longer."""
    reclaim()
    return not is_mapped(path)


# dlopen of the same path returns the old library: every build has its own path


def test_without_the_rule_a_path_stays_the_old_library(plain: Callable[..., Path]) -> None:
    path, newer = plain("lib.so", "int f(void) { return 1; }"), plain("newer.so", "int f(void) { return 2; }")
    old = ctypes.CDLL(str(path))
    newer.replace(path)
    assert (old.f(), ctypes.CDLL(str(path)).f()) == (1, 1)


def test_every_version_has_a_path_of_its_own_and_is_what_runs(notebook: Callable[..., Path]) -> None:
    path = notebook("int f(void) { return 1; }")
    opened = hotplate.open(path)
    versions = [opened.load("f")]
    for number in (2, 3):
        path.write_text(f"int f(void) {{ return {number}; }}")
        versions.append(opened.load("f"))
    assert [version() for version in versions] == [1, 2, 3]
    assert len({version.path for version in versions}) == 3


def test_going_back_gives_the_earlier_version_again(notebook: Callable[..., Path]) -> None:
    path = notebook("int g(void) { return 1; }")
    opened = hotplate.open(path)
    first = opened.load("g").path
    path.write_text("int g(void) { return 2; }")
    assert opened.load("g")() == 2
    path.write_text("int g(void) { return 1; }")
    assert (opened.load("g")(), opened.load("g").path) == (1, first)


# Overwriting a mapped library: published files are replaced as a whole, never written to


def test_without_the_rule_overwriting_a_mapped_library_ends_the_process(plain: Callable[..., Path]) -> None:
    path, newer = plain("lib.so", "int f(void) { return 1; }"), plain("newer.so", "int f(void) { return 2; }")
    code = (
        "import ctypes, sys\n"
        "library, newer = sys.argv[1:]\n"
        "f = ctypes.CDLL(library).f\n"
        "open(library, 'r+b').truncate(0)\n"
        "f()"
    )
    assert run_python(code, path, newer).returncode in CRASHES


def test_rebuilding_what_is_mapped_leaves_the_mapped_file_alone(
    notebook: Callable[..., Path], empty_cache: Path
) -> None:
    path = notebook("int mapped(int x) { return x + 1; }")
    cell = hotplate.open(path).load("mapped")
    inode = cell.path.stat().st_ino
    shutil.rmtree(empty_cache / "manifests")  # the cache forgot it, so it is built again
    again = hotplate.open(path).load("mapped")
    assert again(1) == cell(1) == 2
    assert again.path != cell.path or again.path.stat().st_ino == inode


def test_a_cleared_cache_does_not_disturb_what_is_loaded(notebook: Callable[..., Path], empty_cache: Path) -> None:
    path = notebook("int kept(int x) { return x + 1; }")
    cell = hotplate.open(path).load("kept")
    shutil.rmtree(empty_cache)
    assert cell(1) == 2
    assert hotplate.open(path).load("kept")(2) == 3


# RTLD_GLOBAL: a later version calls an earlier one's helper

HELPED = "int helper(void) {{ return {0}; }}\nint f(void) {{ return helper(); }}"


def test_without_the_rule_a_later_version_calls_an_earlier_helper(plain: Callable[..., Path]) -> None:
    paths = [plain(f"v{number}.so", HELPED.format(number)) for number in (1, 3)]
    code = (
        "import ctypes, sys\n"
        "libraries = [ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL) for path in sys.argv[1:]]\n"
        "print([library.f() for library in libraries])"
    )
    assert run_python(code, *paths).stdout == "[1, 1]\n"


@pytest.mark.parametrize("suffix", [".c", ".cpp"])
def test_every_version_calls_its_own_helper(notebook: Callable[..., Path], suffix: str) -> None:
    path = notebook(HELPED.format(1), suffix)
    opened = hotplate.open(path)
    first = opened.load("f")
    path.write_text(HELPED.format(3))
    assert (first(), opened.load("f")(), first()) == (1, 3, 1)


def test_nothing_of_a_cell_is_visible_to_the_process() -> None:
    cell = hotplate.inline("int only_in_its_cell(void) { return 5; }")
    assert cell() == 5
    with pytest.raises(AttributeError):
        _ = ctypes.CDLL(None).only_in_its_cell
    with pytest.raises(AttributeError):
        _ = ctypes.CDLL(None).hotplate_cell


# Template statics and other unique symbols

TEMPLATE = """
template <class T> T &counter() {{ static T value = {0}; return value; }}
double counted(double step) {{ return counter<double>() += step; }}
"""


def test_without_the_rule_versions_share_a_static_and_stay_loaded(plain: Callable[..., Path]) -> None:
    exported = 'extern "C" double counted'
    text = [TEMPLATE.format(start).replace("double counted", exported) for start in (10, 20)]
    paths = [plain(f"v{i}.so", each, language="c++") for i, each in enumerate(text)]
    code = (
        "import _ctypes, ctypes, sys\n"
        "libraries = [ctypes.CDLL(path) for path in sys.argv[1:]]\n"
        "for library in libraries:\n"
        "    library.counted.restype, library.counted.argtypes = ctypes.c_double, [ctypes.c_double]\n"
        "print([library.counted(1) for library in libraries])\n"
        "for library in libraries: _ctypes.dlclose(library._handle)\n"
        "print(sys.argv[1] in open('/proc/self/maps').read())"
    )
    assert run_python(code, *paths).stdout == "[11.0, 12.0]\nTrue\n"


def test_every_version_has_its_own_template_static_and_goes(notebook: Callable[..., Path]) -> None:
    path = notebook(TEMPLATE.format(10), ".cpp")
    opened = hotplate.open(path)
    first = opened.load("counted")
    path.write_text(TEMPLATE.format(20))
    second = opened.load("counted")
    assert (first(1), second(1), first(1)) == (11, 21, 12)
    paths = [first.path, second.path]
    first.close()
    second.close()
    assert not any(map(is_mapped, paths))


# dlclose that unloads nothing: it is verified, and the reason is told

THREAD_LOCAL = """
struct counted { std::string text; ~counted() { text.clear(); } };
std::int64_t remembered(std::int64_t x) {
    thread_local counted kept{std::string(100, 'x')};
    return x + static_cast<std::int64_t>(kept.text.size());
}
"""


def test_an_ordinary_library_is_unloaded_when_it_is_closed() -> None:
    cell = hotplate.inline("int goes(int x) { return x + 1; }")
    assert cell(1) == 2
    assert is_mapped(cell.path)
    unloaded = library_report().unloaded
    cell.close()
    assert not is_mapped(cell.path)
    assert library_report().unloaded == unloaded + 1


def test_thread_local_destructors_pin_a_library_and_the_report_says_so() -> None:
    cell = hotplate.inline(THREAD_LOCAL, language="c++")
    assert cell(1) == 101
    path, before = cell.path, library_report()
    cell.close()
    del cell
    gc.collect()
    assert is_mapped(path)
    assert library_report().pinned[path] == "it has thread-local variables with destructors"
    assert library_report().unloaded == before.unloaded


def test_a_library_that_asks_to_stay_is_reported_as_pinned(notebook: Callable[..., Path]) -> None:
    path = notebook('// %% Stay  flags="-Wl,-z,nodelete"\nint stays(int x) { return x + 1; }')
    cell = hotplate.open(path).load("stays")
    cell.close()
    assert is_mapped(cell.path)
    assert "nodelete" in library_report().pinned[cell.path]


def test_a_pinned_library_can_be_loaded_again(notebook: Callable[..., Path]) -> None:
    path = notebook('// %% Stay  flags="-Wl,-z,nodelete"\nint stays_again(int x) { return x + 1; }')
    hotplate.open(path).load("stays_again").close()
    assert hotplate.open(path).load("stays_again")(1) == 2


# dlclose with a call running, a view, a thread: leases

SPIN = """
    #include <hotplate.h>
    #include <time.h>
    int64_t spin_{0}(int64_t n, const int32_t flags[n], double seconds) {{
        volatile int32_t *flag = (volatile int32_t *)(uintptr_t)flags;
        struct timespec begin, now;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (flag[0] = 1; !flag[1];) {{
            clock_gettime(CLOCK_MONOTONIC, &now);
            if (now.tv_sec - begin.tv_sec > seconds) return -1;
        }}
        return 7;
    }}
"""


def test_without_the_rule_closing_under_a_running_call_ends_the_process(plain: Callable[..., Path]) -> None:
    path = plain(
        "spin.so", "#include <unistd.h>\nint spin(void) { for (int i = 0; i < 50; i++) usleep(20000); return 7; }"
    )
    code = (
        "import _ctypes, ctypes, sys, threading, time\n"
        "library = ctypes.CDLL(sys.argv[1])\n"
        "thread = threading.Thread(target=library.spin)\n"
        "thread.start()\n"
        "time.sleep(0.1)\n"
        "_ctypes.dlclose(library._handle)\n"
        "thread.join()"
    )
    assert run_python(code, path).returncode in CRASHES


def test_closing_under_a_running_call_waits_for_the_call() -> None:
    cell = hotplate.inline(SPIN.format("closed"))
    flags, results = np.zeros(2, np.int32), []
    call = cell.__call__
    thread = threading.Thread(target=lambda: results.append(call(flags, 30.0)))
    thread.start()
    assert eventually(lambda: bool(flags[0]))
    cell.close()
    with pytest.raises(LoadError, match="was closed"):
        cell(flags, 1.0)
    assert is_mapped(cell.path)
    flags[1] = 1
    thread.join()
    assert results == [7]
    assert eventually(lambda: gone(cell.path))


def test_an_edit_under_a_running_call_lets_it_end_in_its_own_version(notebook: Callable[..., Path]) -> None:
    path = notebook(SPIN.format("edited"))
    opened = hotplate.open(path)
    old = opened.load("spin_edited")
    flags, results = np.zeros(2, np.int32), []
    thread = threading.Thread(target=lambda: results.append(old(flags, 30.0)))
    thread.start()
    assert eventually(lambda: bool(flags[0]))
    path.write_text(path.read_text().replace("return 7", "return 8"))
    done = np.ones(2, np.int32)
    assert opened.load("spin_edited")(done, 30.0) == 8
    flags[1] = 1
    thread.join()
    assert results == [7]


def test_two_holders_of_a_library_are_two_leases() -> None:
    first = hotplate.inline("int held_twice(int x) { return x + 1; }")
    second = LoadedCell(first.path)
    first.close()
    assert is_mapped(second.path)
    assert second(1) == 2
    second.close()
    assert not is_mapped(second.path)


def test_a_cell_that_nobody_holds_any_more_gives_its_lease_back() -> None:
    cell = hotplate.inline("int let_go(int x) { return x + 1; }")
    path = cell.path
    del cell
    gc.collect()
    assert path in reclaim()
    assert not is_mapped(path)


def test_results_of_every_kind_outlive_their_library() -> None:
    text = """
        #include <hotplate.h>
        typedef struct { double x; int32_t id; } item;
        const char *every_kind(item value, item out_host[2], hp_out *out_cell) {
            item *mine = HP_ARRAY(out_cell, item, 3);
            for (int i = 0; mine && i < 3; i++) mine[i] = value;
            out_host[0] = out_host[1] = value;
            return "a literal in the library";
        }
    """
    cell = hotplate.inline(text)
    got, path = cell({"x": 1.5, "id": 2}), cell.path
    cell.close()
    gc.collect()
    assert not is_mapped(path)
    assert got.value == "a literal in the library"
    assert got.host.tolist() == [(1.5, 2)] * 2
    assert got.cell.tolist() == [(1.5, 2)] * 3
    assert type(got).__name__ == "every_kind"


def test_a_loaded_cell_hands_out_nothing_that_points_into_its_library() -> None:
    from hotplate.abi import ffi

    cell = hotplate.inline("int guarded(int x) { return x; }")
    reachable = [getattr(cell, name) for name in dir(cell) if not name.startswith("_")]
    assert not any(isinstance(value, ffi.CData) for value in reachable)


# Threads that a cell started

DETACHED = """
    #include <hotplate.h>
    #include <pthread.h>
    #include <unistd.h>
    static void *loiter(void *flag) {
        while (!*(volatile int32_t *)flag) usleep(1000);
        return NULL;
    }
    int32_t start_thread(int64_t n, const int32_t flags[n]) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, loiter, (void *)(uintptr_t)flags)) return 1;
        return pthread_detach(thread);
    }
"""


def test_a_thread_that_a_cell_started_keeps_its_library() -> None:
    cell = hotplate.inline(DETACHED)
    flags = np.zeros(1, np.int32)
    assert cell(flags) == 0
    path = cell.path
    retired = library_report().retired
    cell.close()
    assert is_mapped(path)
    assert library_report().retired == retired + 1
    flags[0] = 1
    assert eventually(lambda: gone(path))


def test_a_thread_of_python_keeps_nothing() -> None:
    cell = hotplate.inline("int beside_threads(int x) { return x + 1; }")
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    cell.close()
    assert not is_mapped(cell.path)
    event.set()
    thread.join()


def test_a_thread_of_one_library_does_not_keep_those_that_can_start_none() -> None:
    starter, plain = hotplate.inline(DETACHED.replace("start_thread", "start_another")), hotplate.inline(IDLE)
    flags = np.zeros(1, np.int32)
    assert starter(flags) == 0
    path = plain.path
    plain.close()
    assert not is_mapped(path)
    flags[0] = 1
    path = starter.path
    starter.close()
    assert eventually(lambda: gone(path))


def test_a_thread_that_has_ended_is_no_longer_known_as_one_from_before() -> None:
    # The system may give its number to a thread of the library.
    starter, flags = hotplate.inline(DETACHED.replace("start_thread", "start_early")), np.zeros(1, np.int32)
    starter(flags)
    later = hotplate.inline("int later(int x) { return x; }")
    library = Library.open(later.path)
    before = library.threads
    flags[0] = 1
    starter_path = starter.path
    starter.close()
    assert eventually(lambda: gone(starter_path))
    hotplate.inline("int collected(int x) { return x; }").close()
    assert library.threads < before


IDLE = "int idle(int x) { return x + 1; }"
AT_LOAD = """
    #include <pthread.h>
    #include <unistd.h>
    #include <cstdint>
    static void *loiter(void *) { for (;;) usleep(1000); }
    static const int started = [] {
        pthread_t thread;
        return pthread_create(&thread, nullptr, loiter, nullptr);
    }();
    std::int32_t at_load() { return started; }
"""
AT_LOAD_CALL = """
import os, sys, time, hotplate
cell = hotplate.open(sys.argv[1]).load("at_load")
print(cell())
cell.close()
time.sleep(0.05)  # the thread wakes up where its code was
print("alive", flush=True)
os._exit(0)
"""


def test_a_thread_that_a_constructor_started_while_loading_keeps_its_library(notebook: Callable[..., Path]) -> None:
    done = run_python(AT_LOAD_CALL, notebook(AT_LOAD, ".cpp"))
    assert (done.stdout, done.returncode) == ("0\nalive\n", 0)


# OpenMP

OPENMP = """
    // %% Parallel  flags="-fopenmp"
    #include <stdint.h>
    double halves(int64_t n) {
        double sum = 0;
        #pragma omp parallel for reduction(+ : sum) num_threads(4)
        for (int64_t i = 0; i < n; i++) sum += 0.5;
        return sum;
    }
    int beside(int x) { return x; }
"""
OPENMP_CALL = """
import gc, sys, hotplate
from hotplate.load import library_report, reclaim
path, compiler, runtime = sys.argv[1:]
notebook = hotplate.open(path, compiler=compiler)
beside, cell = notebook.load("beside"), notebook.load("halves")
print(cell(1000))
cell.close()
beside.close()
del beside, cell, notebook
gc.collect()
reclaim()
report = library_report()
print(report.unloaded, report.kept, runtime in open("/proc/self/maps").read())
"""


def links_openmp(compiler: str) -> bool:
    source = b"#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }"
    command = [compiler, "-fopenmp", "-x", "c", "-", "-o", "/dev/null"]
    return (
        bool(shutil.which(compiler))
        and not subprocess.run(command, input=source, capture_output=True, check=False).returncode
    )


@pytest.mark.parametrize(("compiler", "runtime"), [("gcc", "libgomp"), ("clang", "libomp")])
def test_libraries_go_though_openmp_threads_stay_and_the_process_ends_well(
    notebook: Callable[..., Path], compiler: str, runtime: str
) -> None:
    if not links_openmp(compiler):
        pytest.skip(f"{compiler} has no OpenMP library")
    done = run_python(OPENMP_CALL, notebook(OPENMP), compiler, runtime)
    assert (done.stdout, done.stderr, done.returncode) == ("500.0\n2 () True\n", "", 0)


@pytest.mark.skipif(not links_openmp("gcc"), reason="gcc has no OpenMP library")
def test_without_the_rule_the_runtime_goes_while_its_threads_live(plain: Callable[..., Path]) -> None:
    text = 'void spread(void) {\n#pragma omp parallel num_threads(4)\n{ __asm__ volatile(""); } }'
    code = (
        "import _ctypes, ctypes, os, sys, time\n"
        "os.environ['OMP_WAIT_POLICY'] = 'passive'\n"  # asleep they do not notice; spinning they would crash at once
        "library = ctypes.CDLL(sys.argv[1])\n"
        "library.spread()\n"
        "time.sleep(0.1)\n"
        "threads = len(os.listdir('/proc/self/task'))\n"
        "_ctypes.dlclose(library._handle)\n"
        "print('libgomp' in open('/proc/self/maps').read(), threads, flush=True)\n"
        "os.kill(os.getpid(), 9)"  # before a thread wakes up where its code was
    )
    assert run_python(code, plain("omp.so", text, "-fopenmp")).stdout == "False 4\n"


RUNTIME_CALL = """
import sys, hotplate
cell = hotplate.open(sys.argv[1]).load("with_runtime")
print(cell(1))
cell.close()
maps = open("/proc/self/maps").read()
print(str(cell.path) in maps, sys.argv[2] in maps)
"""


def test_any_openmp_runtime_stays_when_the_last_cell_that_needs_it_goes(
    notebook: Callable[..., Path], plain: Callable[..., Path]
) -> None:
    # One in place of LLVM's, which some builds mark to stay by itself (nodelete).
    runtime = plain("libomp.so.5", "int stand_in(int x) { return x + 1; }", "-Wl,-soname,libomp.so.5")
    flags = f"-Wl,--no-as-needed -L{runtime.parent} -l:libomp.so.5 -Wl,-rpath,{runtime.parent}"
    path = notebook(
        f'// %% Linked  flags="{flags}"\nint stand_in(int);\nint with_runtime(int x) {{ return stand_in(x); }}'
    )
    assert run_python(RUNTIME_CALL, path, runtime).stdout == "2\nFalse True\n"


# A saved function pointer: what can register one for good stays

HANDLER = """
    #include <signal.h>
    static volatile sig_atomic_t seen;
    static void note(int number) { seen = number; }
    int handles(void) { signal(SIGUSR1, note); return seen; }
"""
HANDLER_CALL = """
import os, signal, sys, hotplate
cell = hotplate.open(sys.argv[1]).load("handles")
cell()
cell.close()
os.kill(os.getpid(), signal.SIGUSR1)
print(cell.path in hotplate.load.library_report().pinned, hotplate.open(sys.argv[1]).load("handles")())
"""


def test_without_the_rule_a_signal_handler_that_is_gone_ends_the_process(plain: Callable[..., Path]) -> None:
    code = (
        "import _ctypes, ctypes, os, signal, sys\n"
        "library = ctypes.CDLL(sys.argv[1])\n"
        "library.handles()\n"
        "_ctypes.dlclose(library._handle)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)"
    )
    assert run_python(code, plain("handler.so", HANDLER)).returncode in CRASHES


def test_a_library_that_may_have_registered_a_handler_stays(notebook: Callable[..., Path]) -> None:
    done = run_python("import hotplate.load\n" + HANDLER_CALL, notebook(HANDLER))
    assert (done.stdout, done.returncode) == ("True 10\n", 0)


# exit() in a cell


def test_exit_in_a_cell_ends_the_process_it_runs_in(notebook: Callable[..., Path]) -> None:
    path = notebook("#include <stdlib.h>\nvoid leave(int code) { exit(code); }")
    code = "import sys, hotplate\nhotplate.open(sys.argv[1]).load('leave')(7)\nprint('still here')"
    done = run_python(code, path)
    assert (done.stdout, done.returncode) == ("", 7)


# dlmopen: too few namespaces


def test_the_core_does_not_use_dlmopen() -> None:
    from hotplate import _native

    content = Path(_native.__file__).read_bytes()
    assert b"dlopen" in content
    assert b"dlmopen" not in content


# Never unloading costs maps: retire, unload when safe, count


def copies(tmp_path: Path, count: int) -> list[Path]:
    original = hotplate.inline("int counted_version(int x) { return x + 1; }").path
    return [Path(shutil.copy(original, tmp_path / f"v{number}.so")) for number in range(count)]


def test_without_the_rule_every_version_stays_mapped(tmp_path: Path) -> None:
    before = maps().count("\n")
    cells = [LoadedCell(path) for path in copies(tmp_path, 20)]
    assert maps().count("\n") >= before + 4 * len(cells)


def test_three_hundred_versions_leave_the_maps_as_they_were(tmp_path: Path) -> None:
    paths = copies(tmp_path, 300)
    LoadedCell(paths[0]).close()
    before, report = maps().count("\n"), library_report()
    for path in paths:
        cell = LoadedCell(path)
        assert cell(1) == 2
        cell.close()
    after = library_report()
    assert maps().count("\n") <= before + 10
    assert str(tmp_path) not in maps()
    assert (after.opened - report.opened, after.unloaded - report.unloaded) == (300, 300)
    assert (after.in_use, after.retired, after.pinned) == (report.in_use, report.retired, report.pinned)


def test_editing_a_notebook_leaves_only_the_last_version_mapped(notebook: Callable[..., Path]) -> None:
    path = notebook("int edited(void) { return 0; }")
    opened = hotplate.open(path)
    seen: list[Any] = []
    for number in range(5):
        path.write_text(f"int edited(void) {{ return {number}; }}")
        seen.append(opened.load("edited").path)
        assert opened.run()["edited"] == number
    gc.collect()
    reclaim()
    assert [is_mapped(library) for library in seen] == [False] * 4 + [True]


CAP_CALL = """
import sys
from pathlib import Path
from hotplate.load import LoadedCell, library_report
for path in sys.argv[1:]:
    cell = LoadedCell(Path(path))
    cell(1)
    cell.close()
report = library_report()
print(len(report.kept), report.kept_bytes > 0, report.limit.versions, cell.path in report.pinned)
"""


def test_beyond_the_limit_there_is_one_warning_and_work_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = hotplate.inline(THREAD_LOCAL.replace("remembered", "many_remembered"), language="c++").path
    paths = [Path(shutil.copy(original, tmp_path / f"v{number}.so")) for number in range(6)]
    monkeypatch.setenv("HOTPLATE_KEPT_LIBRARIES", "3")
    done = run_python(CAP_CALL, *paths)
    assert done.stdout == "6 True 3 True\n"
    assert done.stderr.count("old versions of cells stay in memory") == 1
    assert "  4 of many_remembered: it has thread-local variables with destructors; make them" in done.stderr


def test_up_to_the_limit_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = hotplate.inline(THREAD_LOCAL.replace("remembered", "few_remembered"), language="c++").path
    monkeypatch.setenv("HOTPLATE_KEPT_LIBRARIES", "1")
    done = run_python(CAP_CALL, original)
    assert (done.stdout, done.stderr) == ("1 True 1 True\n", "")


def test_doctor_tells_the_limit_and_what_is_wrong_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "warns when more than 200 old versions of cells, or 256 MiB of them" in render(examine())
    library._limit.cache_clear()
    with monkeypatch.context() as patch:
        patch.setenv("HOTPLATE_KEPT_LIBRARIES", "plenty")
        report = examine()
    assert any("HOTPLATE_KEPT_LIBRARIES is 'plenty'" in problem for problem in report["problems"])
