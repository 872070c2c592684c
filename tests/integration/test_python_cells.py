"""Python functions as cells of a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import hotplate
from hotplate.errors import AttemptsSpent, CellFailed, InputError, NotebookError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np


class Range(NamedTuple):
    low: float
    high: float


@pytest.fixture
def nb(notebook: Callable[..., Path]) -> hotplate.Notebook:
    return hotplate.open(
        notebook("""
        #include <stdint.h>
        void x(int64_t n, double out[n]) { for (int64_t i = 0; i < n; i++) out[i] = (double)i; }
        double twice(double peak) { return 2 * peak; }
    """)
    )


def test_a_function_takes_part_by_its_names_between_native_cells(nb: hotplate.Notebook) -> None:
    @nb.cell
    def peak(x: np.ndarray[Any, Any]) -> float:
        return float(x.max())

    run = nb.run(n=5)
    assert list(run.cells) == ["x", "peak", "twice"]
    assert (run["peak"], run["twice"]) == (4, 8)


def test_a_parameter_with_a_default_is_an_optional_input(nb: hotplate.Notebook) -> None:
    @nb.cell
    def peak(scale: float = 10.0) -> float:
        return scale

    assert nb.run("twice")["twice"] == 20
    assert nb.run("twice", scale=1.0)["twice"] == 2


def test_the_fields_of_a_named_tuple_are_named_by_the_annotation(nb: hotplate.Notebook) -> None:
    @nb.cell
    def limits(x: np.ndarray[Any, Any]) -> Range:
        return Range(float(x.min()), float(x.max()))

    nb.cell(lambda limits_high: limits_high, name="peak")
    run = nb.run(n=4)
    assert (run["twice"], run["limits_low"], run["limits"].high) == (6, 0, 3)


def test_an_exception_is_the_failure_of_its_cell_with_the_cause(nb: hotplate.Notebook) -> None:
    error = ZeroDivisionError("on purpose")

    @nb.cell
    def peak(x: np.ndarray[Any, Any]) -> float:
        raise error

    with pytest.raises(CellFailed, match="peak: ZeroDivisionError: on purpose") as caught:
        nb.run(n=2)
    assert caught.value.__cause__ is error
    assert caught.value.run["x"].size == 2


def test_a_result_that_lacks_a_promised_field_fails_the_one_who_needs_it(nb: hotplate.Notebook) -> None:
    def limits() -> Range:
        return (1.0, 2.0)  # type: ignore[return-value]  # the mistake under test

    nb.cell(limits)
    nb.cell(lambda limits_high: limits_high, name="peak")
    with pytest.raises(CellFailed, match="peak: it needs high of a result"):
        nb.run("peak")


def test_a_later_function_of_the_same_name_replaces_it(nb: hotplate.Notebook) -> None:
    nb.cell(lambda: 1.0, name="peak")
    assert nb.run("twice")["twice"] == 2
    nb.cell(lambda: 5.0, name="peak")
    assert nb.run("twice")["twice"] == 10


def test_the_same_function_keeps_its_result_unless_it_is_impure(nb: hotplate.Notebook) -> None:
    calls: list[str] = []
    nb.cell(lambda: calls.append("steady") or 1.0, name="peak")
    nb.cell(lambda: calls.append("clock"), name="clock", impure=True)
    for _ in range(2):
        nb.run("peak", "clock")
    assert sorted(calls) == ["clock", "clock", "steady"]


def test_a_name_that_the_file_has_is_refused(nb: hotplate.Notebook) -> None:
    with pytest.raises(InputError, match=r"notebook\.c already has a cell twice; give the Python function another"):
        nb.cell(lambda: 1, name="twice")


def test_a_name_that_the_file_gets_later_is_refused_then(nb: hotplate.Notebook) -> None:
    nb.cell(lambda: 1.0, name="peak")
    nb.path.write_text("double peak(void) { return 1; }")
    with pytest.raises(NotebookError, match="two cells called peak"):
        nb.run()


@pytest.mark.parametrize(
    ("function", "parameter"),
    [(lambda *args: 0, r"\*args"), (lambda **named: 0, r"\*\*named"), (lambda a, /: 0, "a")],  # noqa: ARG005 - as is
)
def test_parameters_that_cannot_name_a_cell_are_refused(
    nb: hotplate.Notebook, function: Callable[..., int], parameter: str
) -> None:
    with pytest.raises(InputError, match=f"f: the parameter {parameter} can't name a cell"):
        nb.cell(function, name="f")


def test_a_lambda_needs_a_name(nb: hotplate.Notebook) -> None:
    with pytest.raises(InputError, match=r"'<lambda>' is none; pass name="):
        nb.cell(lambda: 0)


def test_a_cycle_through_python_and_c_is_refused_before_anything_is_built(nb: hotplate.Notebook) -> None:
    nb.cell(lambda twice: twice, name="peak")
    with pytest.raises(NotebookError, match=r"twice → peak → twice|peak → twice → peak"):
        nb.run()


def fails(x: np.ndarray[Any, Any]) -> float:
    raise ValueError(x.sum())


def counts(seen: str, x: np.ndarray[Any, Any]) -> float:
    with Path(seen).open("a") as file:
        file.write("called\n")
    return float(x.sum())


def test_attempts_at_a_function_count_on_in_another_session(nb: hotplate.Notebook) -> None:
    nb.cell(fails, name="peak")
    with pytest.raises(CellFailed) as first:
        nb.run("peak", n=3, record=True)
    later = hotplate.open(nb.path)
    later.cell(lambda: 0, name="another")
    later.cell(fails, name="peak")
    with pytest.raises(AttemptsSpent):
        later.resume(first.value.run.id)


@pytest.mark.parametrize("impure", [False, True])
def test_the_result_of_a_function_holds_in_a_resumed_run_of_another_session(
    nb: hotplate.Notebook, tmp_path: Path, impure: bool
) -> None:
    seen = tmp_path / "seen"

    def register(to: hotplate.Notebook) -> None:
        to.cell(counts, name="total", impure=impure)
        to.cell(fails, name="peak")

    register(nb)
    with pytest.raises(CellFailed) as first:
        nb.run("total", "peak", n=3, seen=str(seen), record=True, keep_going=True)
    later = hotplate.open(nb.path)
    later.cell(lambda: 0, name="another")
    register(later)
    with pytest.raises(CellFailed) as second:
        later.resume(first.value.run.id, again=True)
    assert second.value.run["total"] == 3
    assert seen.read_text() == "called\n"
