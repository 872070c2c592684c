"""`hotplate run`: what it takes, prints and returns, whatever it is given."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Result

    Command = Callable[..., Result]

MODEL = """\
#include <hotplate.h>
int64_t n(void) { return 3; }
void ramp(int64_t n, double step, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i * step; }
void ends(int64_t n, const double ramp[n], double out_low[1], double out_high[1]) {
    out_low[0] = ramp[0];
    out_high[0] = ramp[n - 1];
}
"""
TYPES = """\
#include <hotplate.h>
#include <complex.h>
int64_t a(int64_t i) { return i; }
double b(double x) { return x; }
int c(_Bool yes) { return yes; }
double d(double _Complex z) { return cimag(z); }
const char *e(const char *word) { return word; }
struct point { double x, y; };
double f(struct point p) { return p.x + 10 * p.y; }
"""


@pytest.fixture
def model(notebook: Callable[..., Path]) -> Path:
    return notebook(MODEL)


# run


def test_run_prints_a_table_of_the_cells_on_stdout(command: Command, model: Path) -> None:
    done = command("run", model, "--set", "step=0.5")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == ["cell", "status", "build", "run", "type", "value"]
    assert [line.split()[0] for line in lines[1:6]] == ["n", "ramp", "ends", ".low", ".high"]
    assert "float64[3]  [0. 0.5 1. ]" in lines[2]
    assert lines[-1].startswith("3 of 3 cells in ")


def test_run_takes_targets(command: Command, model: Path) -> None:
    done = command("run", model, "n", "--json")
    assert [cell["name"] for cell in json.loads(done.out)["cells"]] == ["n"]


def test_run_json_has_the_promised_keys(command: Command, model: Path) -> None:
    done = command("run", model, "--json", "--set", "step=0.5", "--save", "out.npz")
    assert done.err == ""
    document = json.loads(done.out)
    assert set(document) == {"notebook", "run", "ok", "seconds", "cells", "saved", "recorded"}
    assert (document["notebook"], document["ok"], document["saved"]) == (str(model), True, "out.npz")
    _, ramp, ends = document["cells"]
    assert set(ramp) == {
        "name", "status", "reason", "version", "draft", "attempts", "build_seconds", "run_seconds", "build_key",
        "compiler", "results", "error", "crash", "stdout", "stderr",
    }  # fmt: skip
    assert ramp["results"] == [
        {"field": None, "type": "float64[3]", "dtype": "float64", "shape": [3], "preview": "[0. 0.5 1. ]"}
    ]
    assert [result["field"] for result in ends["results"]] == ["low", "high"]


@pytest.mark.parametrize(
    ("cell", "setting", "value"),
    [
        ("a", "i=-7", -7), ("a", "i=0x10", 16), ("a", "i=1_000", 1000), ("b", "x=1e-3", 1e-3), ("b", "x=2", 2.0),
        ("b", "x=inf", "inf"), ("c", "yes=true", 1), ("c", "yes=False", 0), ("d", "z=1+2j", 2.0), ("d", "z=3", 0.0),
        ("e", "word=a=b c", "a=b c"), ("e", "word=12", "12"), ("e", "word=", ""), ("f", "p=(1, 2)", 21.0),
        ("f", "p={'x': 2, 'y': 1}", 12.0),
    ],
)  # fmt: skip
def test_set_takes_values_of_every_type(
    command: Command, notebook: Callable[..., Path], cell: str, setting: str, value: Any
) -> None:
    done = command("run", notebook(TYPES), cell, "--json", "--set", setting)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["cells"][-1]["results"][0]["value"] == value


@pytest.mark.parametrize("text", ["hello", "{[]: 1}", "(" * 3000, "[1, 2", "9" * 5000, "\\d", "1is"])
def test_a_value_that_is_none_is_an_error_of_its_cell_in_one_line(
    command: Command, notebook: Callable[..., Path], text: str
) -> None:
    done = command("run", "--no-record", notebook(TYPES), "a", "--set", f"i={text}")
    assert done.code == 2
    assert done.err.startswith("hotplate: a: i wants int64")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--set", "--input"])
@pytest.mark.parametrize("assignment", ["step", "=1", "1x=2", "a b=1"])
def test_an_assignment_of_another_form_is_an_error(command: Command, model: Path, option: str, assignment: str) -> None:
    done = command("run", model, option, assignment)
    assert (done.code, done.out) == (2, "")
    assert f"{option} '{assignment}' is not of the form NAME=" in done.err


def test_input_takes_an_array_from_a_file(command: Command, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "r.npy", np.array([5.0, 6.0, 7.0]))
    done = command("run", model, "ends", "--input", "ramp=r.npy", "--json")
    assert [result["preview"] for result in json.loads(done.out)["cells"][-1]["results"]] == ["[5.]", "[7.]"]


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"PK\x03\x04abc", b"text", b"\x93NUMPY\x01\x00v\x00{'d"])
def test_a_file_that_is_no_array_is_a_clear_error(
    command: Command, model: Path, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "r.npy").write_bytes(content)
    done = command("run", model, "--input", "ramp=r.npy")
    assert done.code == 2
    assert done.err.startswith("hotplate: --input: ")
    assert "r.npy" in done.err


def test_save_writes_what_the_run_computed(command: Command, model: Path, tmp_path: Path) -> None:
    done = command("run", model, "--set", "step=2", "--save", "out.npz")
    assert done.out.endswith("saved out.npz\n")
    with np.load(tmp_path / "out.npz") as file:
        assert {name: file[name].tolist() for name in file} == {
            "n": 3, "ramp": [0, 2, 4], "ends_low": [0], "ends_high": [4]
        }  # fmt: skip


@pytest.mark.parametrize("place", ["nowhere/out.npz", ".", "/proc/out.npz"])
def test_a_place_that_cannot_be_written_is_a_clear_error(command: Command, model: Path, place: str) -> None:
    done = command("run", model, "--set", "step=2", "--save", place)
    assert done.code == 2
    assert f"can't write {place}: " in done.err


FAILING = """
#include <hotplate.h>
int good(void) { return 1; }
int bad(hp_ctx *ctx, int good) { hp_fail(ctx, "no %d", good); return 0; }
int after(int bad) { return bad; }
int other(int bad_luck) { return bad_luck; }
"""


def test_a_failed_cell_is_code_1_with_the_results_of_the_others(
    command: Command, notebook: Callable[..., Path]
) -> None:
    path = notebook(FAILING)
    done = command("run", "--no-record", path, "--set", "bad_luck=3", "--keep-going", "--json")
    assert (done.code, done.err) == (1, "hotplate: bad: no 1\n")
    document = json.loads(done.out)
    statuses = {cell["name"]: cell["status"] for cell in document["cells"]}
    assert statuses == {"good": "ok", "bad": "failed", "after": "skipped", "other": "ok"}
    assert not document["ok"]
    assert document["cells"][1]["error"] == "bad: no 1"


@pytest.mark.skipif(sys.platform != "linux", reason="cells are isolated on Linux only")
def test_an_isolated_cell_that_crashes_is_told_with_its_line(command: Command, notebook: Callable[..., Path]) -> None:
    done = command("run", notebook("// %% Danger isolate\nint f(void) { __builtin_trap(); }"))
    assert done.code == 1
    assert "hotplate: f: crashed: " in done.err
    assert "notebook.c:2:15: error: here, in f\n    2 | int f(void) { __builtin_trap(); }" in done.err


@pytest.mark.parametrize("size", [2**62, 2**52])
def test_an_array_that_does_not_fit_in_memory_is_told_with_its_cell(command: Command, model: Path, size: int) -> None:
    done = command("run", "--no-record", model, "--set", "step=2", "--set", f"n={size}")
    assert done.code == 2
    assert done.err.startswith(f"hotplate: ramp: out would be float64[{size}], more than memory holds")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "stap=1"], "notebook.c has no cell or input stap; did you mean step?"),
        (["endz", "--set", "step=1"], "notebook.c has no cell endz; did you mean ends?"),
        ([], "notebook.c needs a value for step (for ramp); give it as run(step=...) or --set step=VALUE"),
        (["--set", "step=1", "--executor", "magic"], "there is no executor magic; there are linear, parallel"),
        (["--jobs", "0"], "Invalid value for '--jobs'"),
        (["--nonsense"], "No such option '--nonsense'"),
        (["--flags", '"', "--set", "step=1"], "can't be split into words"),
        (["--compiler", "no-such-cc", "--set", "step=1"], "no C compiler 'no-such-cc'"),
    ],
)
def test_a_wrong_call_is_told_in_words(command: Command, model: Path, arguments: list[str], message: str) -> None:
    done = command("run", model, *arguments)
    assert done.code == (3 if "--compiler" in arguments else 2)
    assert message in done.err
    assert done.out == ""


def test_an_error_is_a_json_document_too(command: Command, model: Path) -> None:
    done = command("run", model, "--json")
    document = json.loads(done.out)
    assert (document["ok"], document["error"], document["exit_code"]) == (False, "InputError", 2)
    assert "needs a value for step" in document["message"]
    assert document["diagnostics"] == []


PRINTS = '#include <stdio.h>\nint loud(void) { printf("hello\\n"); return 1; }\n'


def test_what_cells_print_is_not_part_of_the_document(notebook: Callable[..., Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hotplate", "run", notebook(PRINTS), "--json"], capture_output=True, check=True
    )
    assert json.loads(done.stdout)["cells"][0]["results"][0]["value"] == 1
    assert done.stderr == b"hello\n"


@pytest.mark.parametrize("target", ["notebook.c", "values.npy", "values.txt"])
def test_saving_over_an_input_or_under_another_suffix_is_refused(
    command: Command, notebook: Callable[..., Path], target: str
) -> None:
    path = notebook("double twice(double x) { return 2 * x; }\n")
    before = path.read_bytes()
    done = command("run", path, "--set", "x=1", "--save", path.parent / target)
    assert (done.code, path.read_bytes()) == (2, before)
    assert not (path.parent / "values.npy").exists()


def test_check_compares_what_cells_give_and_take(command: Command, notebook: Callable[..., Path]) -> None:
    done = command("check", notebook("float a(void) { return 1; }\nint b(int a) { return a; }\n"))
    assert done.code == 2
    assert "b: a wants int32, but a gives float32" in done.err
