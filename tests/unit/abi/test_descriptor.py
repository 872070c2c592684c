"""What a cell's library says about itself, as values that need the library no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hotplate.abi import DType, PortForm, lib
from hotplate.load import library_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotplate import LoadedCell, Notebook

C = """
    #include <hotplate.h>
    #define LANES 4
    typedef struct { double x; int32_t id[2][3]; } item;
    double all(hp_ctx *ctx, int64_t n, const char *title, const item items[n][LANES], double out_sums[n + 1],
               hp_out *out_found) {
        *HP_ARRAY(out_found, int32_t, 1) = 1;
        for (int64_t i = 0; i <= n; i++) out_sums[i] = 0;
        return hp_check(ctx) + n + (title != 0) + items[0][0].x;
    }
"""
CPP = """
    constexpr int LANES = 4;
    struct item { double x; std::int32_t id[2][3]; };
    double all(hp_ctx *ctx, std::int64_t n, const std::string &title, hp::in<item, "n", LANES> items,
               hp::out<double, "n + 1"> out_sums, hp_out *out_found) {
        *HP_ARRAY(out_found, std::int32_t, 1) = 1;
        for (auto &sum : out_sums) sum = 0;
        return hp_check(ctx) + double(n) + double(title.size()) + items(0, 0).x;
    }
"""


@pytest.fixture(scope="module", params=["c", "c++"])
def cell(request: pytest.FixtureRequest, compiled: Callable[..., Notebook]) -> LoadedCell:
    return (compiled(C) if request.param == "c" else compiled(CPP, ".cpp")).load("all")


def test_inputs_are_the_parameters_that_callers_bind_in_order(cell: LoadedCell) -> None:
    assert [port.name for port in cell.descriptor.inputs] == ["n", "title", "items"]


def test_outputs_are_the_return_value_then_the_out_parameters(cell: LoadedCell) -> None:
    assert [port.name for port in cell.descriptor.outputs] == ["value", "sums", "found"]
    forms = [port.form for port in cell.descriptor.outputs]
    assert forms == [PortForm.SCALAR, PortForm.ARRAY, PortForm.DYNAMIC]


def test_extents_are_kept_as_they_are_written(cell: LoadedCell) -> None:
    assert cell.descriptor.inputs[2].extents == ("n", "LANES")
    assert cell.descriptor.outputs[1].extents == ("n + 1",)


def test_only_arrays_have_a_rank_and_that_of_a_dynamic_result_is_open(cell: LoadedCell) -> None:
    assert [port.ndim for port in cell.descriptor.inputs] == [0, 0, 2]
    assert [port.ndim for port in cell.descriptor.outputs] == [0, 1, -1]


def test_constants_come_with_the_compilers_value(cell: LoadedCell) -> None:
    assert cell.descriptor.constants == {"LANES": 4}


def test_views_take_any_strides_and_c_arrays_do_not(cell: LoadedCell) -> None:
    is_cpp = "hp::in" in cell.descriptor.signature
    assert cell.descriptor.inputs[2].form is (PortForm.STRIDED if is_cpp else PortForm.ARRAY)


def test_a_struct_comes_with_the_compilers_layout(cell: LoadedCell) -> None:
    record = cell.descriptor.inputs[2].record
    assert record is not None
    assert (record.name, record.size) == ("item", 32)
    x, ids = record.fields
    assert (x.name, x.offset, x.dtype, x.shape) == ("x", 0, DType(lib.HP_FLOAT, 64, 1), ())
    assert (ids.name, ids.offset, ids.dtype, ids.shape) == ("id", 8, DType(lib.HP_INT, 32, 1), (2, 3))


def test_a_context_means_that_the_cell_can_see_a_request_to_stop(
    cell: LoadedCell, compiled: Callable[..., Notebook]
) -> None:
    assert cell.descriptor.polls
    assert not compiled("double deaf(double x) { return x; }").load("deaf").descriptor.polls


def test_the_compiler_and_the_declaration_are_there_for_people(cell: LoadedCell) -> None:
    assert cell.descriptor.compiler.split()[0] in {"gcc", "clang", "zig"}
    assert cell.descriptor.signature.startswith("double all(hp_ctx *ctx,")


def test_the_descriptor_outlives_its_library(compiled: Callable[..., Notebook]) -> None:
    notebook = compiled("int gone(int x) { return x - 1; }")
    cell = notebook.load("gone")
    descriptor, unloaded = cell.descriptor, library_report().unloaded
    cell.close()
    assert library_report().unloaded > unloaded
    assert (descriptor.name, descriptor.signature) == ("gone", "int gone(int x)")
