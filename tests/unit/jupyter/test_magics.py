"""%%hotplate and %hotplate in a real shell: what they define, run, show and refuse."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from IPython.core.completer import provisionalcompleter

import hotplate
from hotplate.errors import BuildError, CellCrashed, CellFailed, InputError, NotebookError, SettingError
from hotplate.jupyter.cells import NotebookCell
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.jupyter.conftest import Shell

SCALE = """
    #include <stdint.h>
    // Multiplies.
    void scaled(int64_t n, const double x[n], double factor, double out[n]) {
        for (int64_t i = 0; i < n; i++) out[i] = factor * x[i];
    }
    """


# ---- defining and running


def test_a_cell_runs_on_the_variables_that_its_parameters_name(shell: Shell) -> None:
    shell.variables.update({"x": np.arange(3.0), "factor": 2})
    answer = shell.cell(SCALE)
    assert answer.error is None
    assert shell.variables["scaled"].value.tolist() == [0.0, 2.0, 4.0]
    assert "float64[3] [0. 2. 4.]" in answer.text
    assert "<table>" in answer.html


def test_a_cell_without_its_inputs_waits_and_says_for_what(shell: Shell) -> None:
    shell.variables["x"] = np.ones(2)
    answer = shell.cell(SCALE)
    assert answer.error is None
    assert "scaled waits for factor: set it in Python: factor = ..., then %hotplate run scaled" in answer.text
    assert shell.variables["scaled"].state.missing == ("factor",)
    assert shell.variables["scaled"](np.ones(2), 3.0).tolist() == [3.0, 3.0]


def test_a_variable_that_changed_reruns_what_takes_it(shell: Shell) -> None:
    x = shell.variables["x"] = np.ones(2)
    shell.variables["factor"] = 2
    shell.cell(SCALE)
    shell.cell("double total(int64_t n, const double scaled[n]) { double s = 0; for (int64_t i = 0; i < n; i++) "
               "s += scaled[i]; return s; }")  # fmt: skip
    x[0] = 5  # in place
    total = shell.variables["total"]
    assert total.state.mark == "x has changed since; %hotplate run brings it up to date"
    shell.run("%hotplate run")
    assert total.value == 12
    assert total.state.mark == ""


def test_an_edit_that_gives_the_same_bytes_stops_there(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", "first")
    shell.cell("int b(int a) { return a + 1; }")
    answer = shell.cell("int a(void) { return 2 - 1; }", "first")
    assert "a gave the same bytes" in answer.text


def test_an_edit_reruns_dependents_and_the_cell_stays_the_same_object(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", "first")
    shell.cell("int b(int a) { return a + 1; }")
    b, a = shell.variables["b"], shell.variables["a"]
    shell.cell("int a(void) { return 10; }", "first")
    assert (a.value, b.value, b(1)) == (10, 11, 2)
    assert shell.variables["a"] is a


@pytest.mark.parametrize(("line", "header"), [("", "<math.h>"), ("--cpp", "<cmath>")])
def test_a_jupyter_cell_with_a_new_header_builds_and_runs_no_other(shell: Shell, line: str, header: str) -> None:
    shell.cell("#include <stdint.h>\nint64_t first(void) { return 1; }", line)
    answer = shell.cell(f"#include {header}\ndouble second(void) {{ return fabs(-2.0); }}", line)
    assert "second" in answer.text
    assert "first" not in answer.text
    assert shell.variables["second"].value == 2.0
    assert shell.variables["first"].state.mark == ""


def test_what_stands_behind_a_jupyter_cell_with_a_header_sees_it(shell: Shell) -> None:
    shell.cell("#include <math.h>\ndouble first(void) { return 1; }")
    assert shell.cell("double second(void) { return fabs(-2.0); }").error is None


def test_the_headers_of_a_jupyter_cell_stay_where_they_are_when_a_helper_of_it_is_defined_behind(shell: Shell) -> None:
    shell.cell(
        "#include <stdint.h>\nstatic int64_t helper(void) { return 1; }\nint64_t first(void) { return helper(); }"
    )
    shell.cell("int64_t second(void) { return INT64_C(2); }")
    answer = shell.cell("static int64_t helper(void) { return INT64_C(3); }")
    assert answer.error is None
    assert shell.variables["first"].value == 3
    assert "second" not in answer.text


def test_a_jupyter_cell_that_is_run_again_replaces_what_it_defined(shell: Shell) -> None:
    shell.cell("int old(void) { return 1; }", cell_id="one")
    shell.cell("int other(void) { return 2; }", cell_id="two")
    gone = shell.variables["old"]
    shell.cell("int renamed(void) { return 3; }", cell_id="one")
    assert "old" not in shell.variables
    assert gone.state.status == "gone"
    assert {"renamed", "other"} <= shell.variables.keys()


def test_a_helper_that_is_defined_again_is_told_of_and_rebuilds_who_uses_it(shell: Shell) -> None:
    shell.cell("static int k(void) { return 1; }\nint a(void) { return k(); }")
    answer = shell.cell("static int k(void) { return 2; }\nint b(void) { return k(); }")
    assert "k of In[2] is now that of In[3]" in answer.text
    assert shell.variables["a"].value == 2


def test_cells_of_both_languages_take_each_others_results(shell: Shell) -> None:
    shell.cell("int a(void) { return 20; }")
    shell.cell("int b(int a) { return a + 1; }", "--cpp")
    shell.cell("int c(int b) { return b * 2; }")
    assert shell.variables["c"].value == 42
    shell.cell("int a(void) { return 0; }")
    assert shell.variables["c"].value == 2


def test_a_cell_may_move_to_the_other_language(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    shell.cell("int a() { return 2; }", "--cpp")
    assert shell.variables["a"].value == 2
    assert "In[3]" in str(shell.variables["a"].state)


def test_a_field_of_several_results_goes_to_the_other_language(shell: Shell) -> None:
    shell.cell("void ends(double out_low[1], double out_high[1]) { out_low[0] = 1; out_high[0] = 3; }")
    shell.cell('double middle(hp::in<double, "1"> ends_low, hp::in<double, "1"> ends_high) '
               "{ return (ends_low(0) + ends_high(0)) / 2; }", "--cpp")  # fmt: skip
    assert shell.variables["middle"].value == 2.0


def test_the_summary_tells_what_was_built_run_and_kept(shell: Shell) -> None:
    shell.cell("int kept(void) { return 1; }")
    shown = shell.cell("int fresh(int kept) { return kept + 41; }").text
    kept, fresh = (next(line for line in shown.split("\n") if line.startswith(name)) for name in ("kept", "fresh"))
    assert kept.split() == ["kept", "kept", "1", "up", "to", "date"]
    assert re.fullmatch(r"fresh +ok +[\d.]+ µ?m?s +42 +new, built in [\d.]+ m?s", fresh)


def test_no_run_builds_alone(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", "--no-run")
    assert shell.variables["a"].state.status == "built"
    with pytest.raises(InputError, match="a has no result yet"):
        _ = shell.variables["a"].value


def test_options_reach_the_compiler(shell: Shell) -> None:
    shell.cell("int a(void) { return LEVEL; }", "--flags=-DLEVEL=7")
    assert shell.variables["a"].value == 7


# ---- names


def test_a_variable_is_never_overwritten_and_stands_for_the_cell(shell: Shell) -> None:
    shell.variables["a"] = 5
    answer = shell.cell("int a(void) { return 1; }\nint b(int a) { return a + 1; }")
    assert shell.variables["a"] == 5
    assert shell.variables["b"].value == 6
    assert "a is a Python variable (int): it is kept, and stands for the cell's result" in answer.text
    del shell.variables["a"]
    shell.run("%hotplate run")
    assert (shell.variables["a"].value, shell.variables["b"].value) == (1, 2)


def test_a_function_of_that_name_is_kept_too(shell: Shell) -> None:
    shell.run("def a(): return 'mine'")
    answer = shell.cell("int a(void) { return 1; }\nint b(int a) { return a + 1; }")
    assert shell.variables["a"]() == "mine"
    assert shell.variables["b"].value == 2
    assert "a is a Python function, which is kept" in answer.text


def test_a_name_of_pythons_own_is_told_of_once(shell: Shell) -> None:
    assert "sum is the cell now; Python's own is builtins.sum" in shell.cell("int sum(void) { return 1; }").text
    assert "builtins" not in shell.run("%hotplate run sum").text


def test_what_is_no_value_does_not_count_as_an_input(shell: Shell) -> None:
    shell.run("import math as factor")
    shell.variables["x"] = np.ones(1)
    assert "factor is a Python module, which is no value for a cell" in shell.cell(SCALE).text


def test_a_value_that_does_not_fit_is_the_error_that_there_is(shell: Shell) -> None:
    shell.variables.update({"x": np.ones(2, "f4"), "factor": 1})
    answer = shell.cell(SCALE)
    assert isinstance(answer.error, InputError)
    assert "x wants float64[n], got float32[2]; convert it with x.astype(np.float64)" in answer.text


# ---- cells in Python


def test_a_cell_is_a_function_with_signature_and_help(shell: Shell) -> None:
    shell.cell(SCALE)
    shown = shell.run("?scaled").text
    assert "scaled(x, factor, *, n=None)" in shown
    for words in ("Multiplies.", "x: float64[n]", "gives float64[n]", "void scaled(int64_t n, const double x[n]"):
        assert words in shown


def test_a_cell_stands_for_its_value_where_one_is_expected(shell: Shell) -> None:
    shell.cell("double a(void) { return 2.5; }\nint k(void) { return 1; }\n"
               "void u(double out[3]) { out[0] = out[1] = out[2] = 1; }\n"
               "double plus(double a, double b) { return a + b; }")  # fmt: skip
    a, k, u, plus = (shell.variables[name] for name in ("a", "k", "u", "plus"))
    assert (float(a), np.sum(u), plus(a, a), [4, 5, 6][k]) == (2.5, 3.0, 5.0, 5)
    assert np.asarray(u) is not None
    with pytest.raises(TypeError, match="the value of a is a float, not an integer"):
        range(a)


def test_the_function_of_a_loop_is_at_hand(shell: Shell) -> None:
    shell.cell("double twice(double v) { return 2 * v; }", "--no-isolate")
    assert isinstance(shell.variables["twice"].loaded, hotplate.LoadedCell)
    assert shell.variables["twice"].loaded(4) == 8


def test_a_fresh_cell_is_called_in_a_worker_and_then_in_process(shell: Shell) -> None:
    shell.cell("double twice(double v) { return 2 * v; }")
    twice = shell.variables["twice"]
    assert twice.loaded.isolated
    assert twice(1) == 2
    assert not twice.loaded.isolated


def test_isolate_keeps_direct_calls_in_a_worker(shell: Shell) -> None:
    shell.cell("double twice(double v) { return 2 * v; }", "--isolate")
    assert shell.variables["twice"](1) == 2
    assert shell.variables["twice"].loaded.isolated


def test_a_canary_runs_in_a_worker_once(shell: Shell) -> None:
    shell.run("print()")
    shell.cell("#include <unistd.h>\nint where(void) { return getpid(); }", "--canary")
    assert shell.variables["where"].value != os.getpid()
    shell.run("%hotplate run where --fresh")
    assert shell.variables["where"].value == os.getpid()


# ---- what goes wrong


def test_a_compile_error_is_shown_on_the_jupyter_cells_own_line(shell: Shell) -> None:
    answer = shell.run("\n%%hotplate\nint a(void) {\n    return b;\n}\n")
    assert isinstance(answer.error, BuildError)
    assert "In[2]:4:12: error: 'b' undeclared" in answer.text
    assert "In[2]:4:12: error: &#x27;b&#x27; undeclared" in answer.html
    assert "Traceback" not in answer.text
    assert "BuildError: In[2] does not compile: 1 error" in answer.text


def test_what_does_not_parse_is_shown_there_too(shell: Shell) -> None:
    answer = shell.cell("int a(void) { return 1; }\nint b(void) {\n")
    assert isinstance(answer.error, NotebookError)
    assert "In[2]:3:13: error: the body of b is never closed" in answer.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('#include "nowhere.h"', "In[2]:2:10: error: nowhere.h: No such file"),
        ("static int k(int x) {\n    return y; }", "In[2]:3:12: error: 'y' undeclared"),
    ],
)
def test_code_without_cells_has_to_compile_too(shell: Shell, text: str, words: str) -> None:
    answer = shell.cell(text)
    assert isinstance(answer.error, BuildError)
    assert words in answer.text
    assert shell.cell("int a(void) { return 1; }").error is None


def test_a_function_that_is_no_cell_says_why(shell: Shell) -> None:
    assert "loose is no cell: parameter p is a bare pointer" in shell.cell("int loose(int *p) { return *p; }").text


def test_the_last_good_version_stays_with_a_mark(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }", "first")
    answer = shell.cell("int a(void) { return }", "first")
    assert "a: running v1; In[3] is newer and does not compile" in answer.text
    assert (shell.variables["a"].value, shell.variables["a"]()) == (1, 1)
    assert shell.variables["a"].state.mark == "running v1; In[3] is newer and does not compile"
    shell.cell("int a(void) { return 3; }", "first")
    assert shell.variables["a"].state.mark == ""


def test_a_broken_jupyter_cell_keeps_no_other_from_working(shell: Shell) -> None:
    shell.cell("int broken(void) { return }")
    assert shell.cell("int a(void) { return 1; }").error is None


def test_an_edit_may_take_two_jupyter_cells(shell: Shell) -> None:
    shell.cell("static int k(int x) { return x; }", "helpers")
    shell.cell("int a(void) { return k(1); }", "cells")
    answer = shell.cell("static int k(int x, int y) { return x + y; }", "helpers")
    assert isinstance(answer.error, BuildError)
    assert "In[4] is taken in as soon as In[3] goes together with it" in answer.text
    shell.cell("int a(void) { return k(1, 2); }", "cells")
    assert shell.variables["a"].value == 3


def test_a_circle_over_two_languages_is_an_error_on_both_lines(shell: Shell) -> None:
    shell.cell("int a(int b) { return b; }")
    answer = shell.cell("int b(int a) { return a; }", "--cpp")
    assert isinstance(answer.error, NotebookError)
    assert "cells depend on each other: a → b → a" in answer.text
    assert "In[2]:2" in answer.text
    assert "In[3]:2" in answer.text


def test_a_crash_is_reported_on_the_line_and_the_session_goes_on(shell: Shell) -> None:
    shell.variables["at"] = 0
    answer = shell.cell("#include <stdint.h>\nint boom(int64_t at) {\n    volatile int *p = (int *)at;\n"
                        "    return *p;\n}\nint fine(void) { return 1; }")  # fmt: skip
    assert isinstance(answer.error, CellCrashed)
    assert "SIGSEGV" in answer.text
    assert "In[2]:5:12" in answer.text
    assert "inputs: at: 0" in answer.text
    assert shell.variables["fine"].value == 1
    assert shell.variables["boom"].state.status == "crashed"


def test_a_direct_call_that_crashes_says_the_same(shell: Shell) -> None:
    shell.cell("int boom(long at) {\n    return *(volatile int *)at;\n}")
    answer = shell.run("boom(0)")
    assert isinstance(answer.error, CellCrashed)
    assert "In[2]:3:12" in str(answer.error)


def test_a_failure_skips_what_needs_it_and_marks_the_older_value(shell: Shell) -> None:
    shell.variables["fail"] = 0
    shell.cell('#include <hotplate.h>\nint a(hp_ctx *ctx, int fail) { if (fail) hp_fail(ctx, "no %d", fail); '
               "return 1; }\nint b(int a) { return a; }")  # fmt: skip
    shell.variables["fail"] = 7
    answer = shell.run("%hotplate run")
    assert isinstance(answer.error, CellFailed)
    assert "a: no 7" in answer.text
    state = shell.variables["a"].state
    assert (state.status, state.mark) == ("failed", "the value is that of v1; the last run of the cell ended as failed")
    assert shell.variables["b"].state.status == "skipped"


def test_what_assert_prints_names_the_jupyter_cell(shell: Shell) -> None:
    answer = shell.cell("#include <assert.h>\nint a(void) { assert(1 == 2); return 1; }")
    assert "In[2]:3: a: Assertion" in answer.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--frobnicate", "%%hotplate: unrecognized arguments: --frobnicate"),
        ("3x", "the name '3x' is none"),
        ("--timeout=-1", "argument --timeout: -1 is no number of seconds above 0"),
        ("--flags='-O2", "No closing quotation"),
        ("--isolate --no-isolate", "not allowed with argument"),
    ],
)
def test_options_that_make_no_sense_are_one_message(shell: Shell, line: str, words: str) -> None:
    answer = shell.cell("int a(void) { return 1; }", line)
    assert words in answer.text
    assert "Traceback" not in answer.text
    assert "a" not in shell.variables


def test_an_executor_that_is_none_is_one_message(shell: Shell) -> None:
    answer = shell.cell("int a(void) { return 1; }", "--executor=lineer")
    assert isinstance(answer.error, SettingError)
    assert "Traceback" not in answer.text
    assert shell.run("%hotplate run").error is None


def test_an_interrupt_of_the_compiler_leaves_all_as_it_was(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.cell("int a(void) { return 1; }", "first")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hotplate.session.Notebook.build", stop)
    answer = shell.cell("int a(void) { return 2; }", "first")
    assert isinstance(answer.error, KeyboardInterrupt)
    assert "KeyboardInterrupt: stopped before any cell ran" in answer.text
    monkeypatch.undo()
    assert (shell.variables["a"].value, shell.variables["a"].state.mark) == (1, "")
    assert shell.cell("int a(void) { return 2; }", "first").error is None


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
@pytest.mark.parametrize("executor", ["linear", "parallel", "process"])
def test_an_interrupt_ends_an_endless_loop_under_every_executor(shell: Shell, executor: str) -> None:
    shell.cell("int spin(int k) { while (k) {} return 1; }\nint b(int spin) { return spin; }", "--no-run")
    shell.variables["k"] = 0
    shell.run("%hotplate run")  # there is a worker from here on
    shell.variables["k"] = 1
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    answer = shell.run(f"%hotplate run --executor={executor}")
    timer.join()
    assert isinstance(answer.error, KeyboardInterrupt)
    assert "spin was asked to stop, did not answer in time, and its worker was ended" in answer.text
    assert shell.run("%hotplate list").error is None


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_an_interrupt_is_told_with_the_cell_that_was_stopped_and_not_with_one_that_had_failed(
    shell: Shell, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    shell.cell(
        "#include <stdio.h>\nint crash(int k) { return *(volatile int *)(k - 1L); }\n"
        f'int spin(int k) {{ fclose(fopen("{begun}", "w")); while (k) {{}} return 1; }}',
        "--no-run",
    )
    shell.variables["k"] = 1
    stopper = threading.Thread(target=lambda: eventually(begun.exists) and os.kill(os.getpid(), signal.SIGINT))
    stopper.start()
    answer = shell.run("%hotplate run --executor=linear")
    stopper.join()
    assert isinstance(answer.error, KeyboardInterrupt)
    assert str(answer.error).startswith("spin was asked to stop")
    assert "crash: crashed" in answer.text


def test_a_terminal_has_a_bar_on_one_line(shell: Shell) -> None:
    answer = shell.cell("#include <hotplate.h>\n#include <unistd.h>\nint slow(hp_ctx *ctx) { "
                        "for (int i = 0; i < 30; i++) { hp_progress(ctx, i, 30); usleep(10000); } "
                        "return 1; }")  # fmt: skip
    assert "\rslow: 100% (30 of 30), done [####" in answer.text


def test_the_bar_of_a_cell_that_failed_says_so_where_it_ended(shell: Shell) -> None:
    answer = shell.cell("#include <hotplate.h>\n#include <unistd.h>\nint slow(hp_ctx *ctx) { "
                        "hp_progress(ctx, 15, 30); usleep(400000); return hp_fail(ctx, \"no\"), 1; }")  # fmt: skip
    assert "\rslow:  50% (15 of 30), failed\n" in answer.text


# ---- commands


def test_list_shows_how_cells_stand(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }\nint b(int missing) { return missing; }", "pair")
    shown = str(shell.run("%hotplate list").value).split("\n")
    assert shown[0].split() == ["a", "ok", *shown[0].split()[2:4], "1", "v1,", "pair", "(In[2])"]
    assert "needs missing" in shown[1]


def test_time_calls_a_cell_with_its_inputs(shell: Shell) -> None:
    shell.variables["k"] = 3
    shell.cell("int a(int k) { return k; }\nint b(int a) { return a; }")
    timing = shell.run("%hotplate time b --rounds 5").value
    assert len(timing.seconds) == 5
    assert "5 calls in this process" in str(timing)


def test_graph_has_both_languages(shell: Shell) -> None:
    shell.cell("int a(int k) { return k; }")
    shell.cell("int b(int a) { return a; }", "--cpp")
    shown = shell.run("%hotplate graph")
    assert "b  <- a" in shown.text


def test_source_shows_the_text(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    assert "int a(void) { return 1; }" in shell.run("%hotplate source a").text


def test_reset_forgets(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    shell.cell("int b(void) { return 1; }")
    assert "forgot a" in shell.run("%hotplate reset a").text
    assert "a" not in shell.variables
    assert shell.variables["b"].value == 1
    assert "forgot b" in shell.run("%hotplate reset").text
    assert "b" not in shell.variables


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%hotplate rnu", "%hotplate has no command rnu; did you mean run?"),
        ("%hotplate run aa", "there is no cell aa; did you mean a?"),
        ("%hotplate run --fresh=1", "%hotplate run: argument --fresh: ignored explicit argument"),
        ("%hotplate watch --stop some.c", "some.c is not watched; no file is watched"),
        ("%hotplate watch none.c", "there is no such file"),
        ("%hotplate time a --rounds 0", "--rounds: 0 is no whole number above 0"),
        ("%hotplate time a --seconds nan", "--seconds: nan is no number of seconds above 0"),
    ],
)
def test_commands_that_make_no_sense_are_one_message(shell: Shell, line: str, words: str) -> None:
    shell.cell("int a(void) { return 1; }")
    answer = shell.run(line)
    assert words in answer.text
    assert answer.error is not None
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%hotplate r", {"run", "reset"}),
        ("%hotplate run al", {"alpha"}),
        ("%hotplate run --fr", {"--fresh"}),
        ("%%hotplate --no-i", {"--no-isolate"}),
        ("%hotplate run --executor=lin", {"linear"}),
        ("%hotplate watch hea", {"heat.c"}),
    ],
)
def test_completion_knows_what_may_follow(shell: Shell, tmp_path: Path, text: str, offered: set[str]) -> None:
    (tmp_path / "heat.c").write_text("")
    shell.cell("int alpha(void) { return 1; }")
    with provisionalcompleter():
        matches = {found.text for found in shell.ipython.Completer.completions(text, len(text))}
    assert offered <= matches


def test_after_reloading_the_extension_the_cells_are_the_new_ones(shell: Shell) -> None:
    shell.cell("int alpha(void) { return 1; }")
    shell.run("%reload_ext hotplate")
    shell.cell("int alone(void) { return 1; }")
    text = "%hotplate run al"
    with provisionalcompleter():
        assert {found.text for found in shell.ipython.Completer.completions(text, len(text))} == {"alone"}


def test_alone_it_prints_help(shell: Shell) -> None:
    assert "%hotplate watch FILE" in shell.run("%hotplate").text
    assert "--executor" in shell.run("%hotplate run --help").text


def test_unloading_takes_the_magics_and_leaves_the_cells(shell: Shell) -> None:
    shell.cell("int a(void) { return 1; }")
    shell.run("%unload_ext hotplate")
    assert shell.run("%hotplate list").error is not None
    assert isinstance(shell.variables["a"], NotebookCell)
    assert shell.variables["a"]() == 1


def test_elsewhere_than_in_ipython_it_is_refused_in_words() -> None:
    with pytest.raises(SettingError, match=r"run in IPython alone; elsewhere use hotplate\.open"):
        hotplate.load_ipython_extension(object())
