"""Notebooks from their text to their results: parsed, built with tcc, loaded, called, run."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hotplate
from hotplate.errors import BuildError, CellFailed, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAT = """
    #include <hotplate.h>
    #include <stdint.h>

    typedef struct { double low; int32_t count; } stats;

    int64_t n(void) { return 1000; }
    void u0(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
    void u1(int64_t n, const double u0[n], double dt, double out[n]) {
        for (int64_t i = 0; i < n; i++) out[i] = u0[i] + dt;
    }
    double total(int64_t n, const double u1[n]) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += u1[i];
        return sum;
    }
    stats summary(int64_t n, const double u1[n]) { stats s = {u1[0], (int32_t)n}; return s; }
    void evens(hp_out *out, int64_t n) {
        int64_t *even = HP_ARRAY(out, int64_t, n / 2);
        for (int64_t i = 0; i < n / 2; i++) even[i] = 2 * i;
    }
"""


@pytest.fixture(scope="module")
def heat(tmp_path_factory: pytest.TempPathFactory) -> hotplate.Notebook:
    path = tmp_path_factory.mktemp("größe") / "heat.c"
    path.write_text(dedent(HEAT), "utf-8")
    return hotplate.open(path)


def test_a_graph_runs(heat: hotplate.Notebook) -> None:
    run = heat.run(dt=0.5)
    assert run["total"] == 999 * 1000 / 2 + 500
    assert run["summary"]["low"] == 0.5
    assert run["summary"]["count"] == 1000
    np.testing.assert_array_equal(run["evens"], np.arange(0, 1000, 2))


def test_a_graph_runs_on_several_threads(heat: hotplate.Notebook) -> None:
    assert heat.run(dt=0.25, executor="parallel")["total"] == 999 * 1000 / 2 + 250


def test_an_array_is_passed_without_a_copy_and_comes_back(heat: hotplate.Notebook) -> None:
    u1 = heat.load("u1")
    np.testing.assert_array_equal(u1(u0=np.arange(4.0), dt=1.0), [1, 2, 3, 4])


def test_a_value_of_another_type_is_refused_with_both_types(heat: hotplate.Notebook) -> None:
    with pytest.raises(InputError, match=r"float32.*float64"):
        heat.load("u1")(u0=np.zeros(4, np.float32), dt=1.0)


def test_long_has_the_32_bits_that_windows_gives_it() -> None:
    cell = hotplate.inline("long next(long x) { return x + 1; }")
    assert cell.dtype("x") == np.int32
    assert cell(x=2**31 - 2) == 2**31 - 1
    with pytest.raises(InputError, match="x"):
        cell(x=2**31)


def test_text_and_failures_cross_the_interface() -> None:
    cell = hotplate.inline(
        '#include <hotplate.h>\nvoid refuse(hp_ctx *ctx, const char *who) { hp_fail(ctx, "no %s: %d", who, 1 << 20); }'
    )
    with pytest.raises(CellFailed, match=f"no größe: {2**20}"):
        cell(who="größe")


def test_state_survives_calls() -> None:
    cell = hotplate.inline(
        "#include <hotplate.h>\nint count(hp_ctx *ctx) { int *n = hp_state(ctx, sizeof *n, 1); return n ? ++*n : -1; }"
    )
    assert [cell(), cell(), cell()] == [1, 2, 3]


def test_what_does_not_compile_is_told_on_the_notebook_s_line(notebook: Callable[..., Path]) -> None:
    path = notebook("int good(void) { return 1; }\nint bad(void) { return nothing; }\n")
    with pytest.raises(BuildError) as raised:
        hotplate.open(path).run()
    [found] = [d for d in raised.value.diagnostics if d.severity == "error"]
    assert (found.path, found.line, found.cell) == (str(path), 2, "bad")


@pytest.mark.parametrize("name", ["version", "kernel32", "con", "aux", "nul"])
def test_a_cell_may_be_named_like_a_library_or_device_of_windows(name: str) -> None:
    assert hotplate.inline(f"double {name}(double x) {{ return x + 1; }}")(1.0) == 2.0


def test_an_edit_is_loaded_and_its_revert_is_not_built_again(notebook: Callable[..., Path]) -> None:
    path = notebook("int edited(void) { return 1; }")
    nb = hotplate.open(path)
    assert nb.load("edited")() == 1
    path.write_text("int edited(void) { return 22; }")
    assert nb.load("edited")() == 22
    path.write_text("int edited(void) { return 1; }")
    built = []
    assert nb.run(on_event=lambda event: built.append(event.kind))["edited"] == 1
    assert "build_started" not in map(str, built)
