"""%%hotplate in a real Jupyter kernel: what comes to the frontend, and what survives a crash and the stop button."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.kernels import Kernel
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kernels import Reply

PRESS = 0.5
"""Seconds from the first output of a Jupyter cell until the stop button is pressed."""

CELLS = """
    %%hotplate cells
    #include <hotplate.h>
    #include <time.h>
    #include <unistd.h>
    int64_t spin(int64_t rounds) {
        volatile int64_t i = 0;
        while (i < rounds) i++;
        return i;
    }
    int deaf(double seconds) {
        struct timespec begin, now;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        do clock_gettime(CLOCK_MONOTONIC, &now);
        while ((double)(now.tv_sec - begin.tv_sec) + 1e-9 * (double)(now.tv_nsec - begin.tv_nsec) < seconds);
        return 1;
    }
    int64_t polite(hp_ctx *ctx, int64_t steps) {
        for (int64_t i = 0; i < steps; i++) {
            if (hp_check(ctx)) return -1;
            hp_progress(ctx, i, steps);
            usleep(1000);
        }
        return steps;
    }
    int64_t peek(int64_t at) { return *(volatile int *)at; }
    """

TALK = """
    %%hotplate talk --no-run OPTIONS
    #include <stdint.h>
    #include <stdio.h>
    int64_t talk(int64_t times) {
        for (int64_t i = 0; i < times; i++) printf("line %d\\n", (int)i);
        fprintf(stderr, "to stderr\\n");
        return times;
    }
    """


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernel")


@pytest.fixture(scope="module")
def kernel(home: Path) -> Iterator[Kernel]:
    made = Kernel(home)
    try:
        assert made.run("%load_ext hotplate\nkept = [1, 2, 3]").status == "ok"
        assert made.run(CELLS).status == "ok"
        yield made
    finally:
        made.stop()


def test_a_cell_takes_variables_and_gives_a_value(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nx = np.arange(4.0)")
    shown = kernel.run(
        """
        %%hotplate
        #include <stdint.h>
        double total(int64_t n, const double x[n]) {
            double sum = 0;
            for (int64_t i = 0; i < n; i++) sum += x[i];
            return sum;
        }
        """
    )
    assert shown.shown[0]["text/html"].startswith("<div")
    assert "total  ok" in shown.text
    assert kernel.run("total.value, total(np.ones(3))").value == "(6.0, 3.0)"


def test_an_edit_of_the_same_jupyter_cell_replaces_it_and_reruns_what_needs_it(kernel: Kernel) -> None:
    kernel.run("%%hotplate\nint base(void) { return 1; }", cell_id="base")
    kernel.run("%%hotplate\nint above(int base) { return base + 1; }", cell_id="above")
    shown = kernel.run("%%hotplate\nint base(void) { return 10; }", cell_id="base")
    assert "base changed" in shown.text
    assert kernel.run("above.value").value == "11"


def test_a_compile_error_has_the_jupyter_cells_lines_and_no_traceback(kernel: Kernel) -> None:
    number = kernel.run("len(In) - 1").value
    reply = kernel.run("%%hotplate\nint wrong(void) {\n    return nowhere;\n}")
    assert f"In[{int(number) + 1}]:3:12: error: 'nowhere' undeclared" in reply.text
    assert reply.error == f"BuildError: In[{int(number) + 1}] does not compile: 1 error"
    assert "Traceback" not in reply.traceback
    assert reply.status == "error"  # so that "run all" stops there


def test_a_crash_leaves_the_kernel_and_its_variables(kernel: Kernel) -> None:
    reply = kernel.run("at = 0\n%hotplate run peek")
    assert "SIGSEGV" in reply.text
    assert "inputs: at: 0" in reply.text
    assert reply.error.startswith("CellCrashed: peek: crashed")
    assert kernel.run("kept").value == "[1, 2, 3]"


def test_a_crash_of_a_first_direct_call_does_too(kernel: Kernel) -> None:
    assert kernel.run("peek(0)").error.startswith("CellCrashed")
    assert kernel.run("kept").value == "[1, 2, 3]"


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt of a kernel is another thing there")
def test_the_stop_button_ends_an_endless_loop_also_of_code_that_came_through_before(kernel: Kernel) -> None:
    kernel.run("rounds = 10\n%hotplate run spin")
    reply = interrupted(kernel, "import os\nprint(os.getpid())\nrounds = 10**15\n%hotplate run spin")
    assert reply.error.startswith("KeyboardInterrupt")
    assert "spin was asked to stop, did not answer in time, and its worker was ended" in reply.text
    assert kernel.run("kept, spin.value, spin.state.status").value == "([1, 2, 3], 10, 'cancelled')"


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt of a kernel is another thing there")
def test_a_cell_that_looks_stops_by_itself(kernel: Kernel) -> None:
    reply = interrupted(kernel, "steps = 10**15\n%hotplate run polite")
    assert "polite was asked to stop, and returned" in reply.text
    assert ", cancelled" in next(shown["text/html"] for shown in reply.shown if "of 1,000" in str(shown))
    assert reply.error.startswith("KeyboardInterrupt")


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt of a kernel is another thing there")
def test_the_stop_button_reaches_direct_calls_in_the_kernel(kernel: Kernel) -> None:
    assert kernel.run("polite(1)\npolite(1), polite.loaded.isolated").value == "(1, False)"
    reply = interrupted(kernel, "print('begun')\npolite(10**15)")
    assert reply.error.startswith("KeyboardInterrupt")
    assert kernel.run("kept").value == "[1, 2, 3]"


@pytest.mark.skipif(sys.platform == "win32", reason="an interrupt of a kernel is another thing there")
def test_what_cant_be_stopped_says_so_where_it_runs(kernel: Kernel) -> None:
    kernel.run("deaf(0)")
    reply = interrupted(kernel, "print('begun')\ndeaf(4)")
    assert "deaf can't be stopped: it runs in this process and never calls hp_check" in reply.stderr
    assert reply.error.startswith("KeyboardInterrupt")


def test_progress_is_one_output_that_is_replaced(kernel: Kernel) -> None:
    reply = kernel.run("steps = 300\n%hotplate run polite")
    assert reply.status == "ok"
    assert reply.updates
    bars = [bundle for bundle in reply.shown if "<progress" in bundle.get("text/html", "")]
    assert len(bars) == 1
    assert 'value="300" max="300"' in bars[0]["text/html"]
    assert "(300 of 300), done" in bars[0]["text/html"]


@pytest.mark.parametrize("options", ["", "--no-isolate"])
def test_what_a_cell_prints_comes_in_order(kernel: Kernel, options: str) -> None:
    assert kernel.run(TALK.replace("OPTIONS", options)).status == "ok"
    reply = kernel.run("times = 2\nprint('before')\n%hotplate run talk --fresh\ntalk(1)\nprint('after')")
    assert reply.stdout == "before\nline 0\nline 1\nline 0\nafter\n"
    assert reply.stderr.count("to stderr") == 2


def test_a_watched_file_updates_the_namespace_on_save(kernel: Kernel, home: Path) -> None:
    path = home / "watched.c"
    path.write_text("int first(int seed) { return seed; }\nint second(int first) { return first * 10; }\n")
    assert "needs seed (for first): set it in Python: seed = ..." in kernel.run("%hotplate watch watched.c").error
    assert "second  ✓ ok" in kernel.run("seed = 4\n%hotplate watch watched.c").text
    path.write_text(path.read_text().replace("* 10", "* 100") + "int third(int second) { return second + 1; }\n")
    assert eventually(lambda: kernel.run("second.value, third.value").value == "(400, 401)")
    kernel.run("seed = 5")
    assert eventually(lambda: kernel.run("third.value").value == "501")
    path.write_text(path.read_text().replace("* 100", "* "))
    assert eventually(lambda: "does not compile" in kernel.run("third.state.mark").value)
    assert kernel.run("third.value").value == "501"
    assert kernel.run("%hotplate watch --stop").status == "ok"


def test_completion_and_help_come_from_the_kernel(kernel: Kernel) -> None:
    assert "watch" in kernel.complete("%hotplate wa")
    assert "spin" in kernel.complete("%hotplate run sp")
    assert "int64_t spin(int64_t rounds)" in kernel.inspect("spin")
    assert "--no-isolate" in kernel.inspect("%%hotplate")


def interrupted(kernel: Kernel, code: str) -> Reply:
    """Executes a Jupyter cell and presses the stop button a while after its first output."""
    presses = []

    def press(reply: Reply) -> None:
        if (reply.stdout or reply.shown) and not presses:
            presses.append(threading.Timer(PRESS, kernel.interrupt))
            presses[0].start()

    try:
        return kernel.run(code, when=press)
    finally:
        for timer in presses:
            timer.join()
