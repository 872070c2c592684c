"""What is likely to be written by mistake, or by those who guess: it is understood, or refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import hotplate
from hotplate.errors import CellError, InputError, SettingError
from hotplate.run.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hotplate.run.sweep import SweepRun
    from hotplate.session import Notebook


class Lone:
    """A lifecycle that notes what it surrounds."""

    name = "lone"

    def __init__(self) -> None:
        self.cells: list[str] = []

    def setup(self, context: Any) -> None:
        self.cells.append(context.cell)

    def teardown(self, context: Any, outcome: Any) -> None: ...


class Nameless:
    """What lacks one thing to be a lifecycle."""

    setup, teardown = Lone.setup, Lone.teardown


@pytest.fixture(scope="module")
def nb(tmp_path_factory: pytest.TempPathFactory) -> Notebook:
    path = tmp_path_factory.mktemp("slips") / "slips.c"
    path.write_text(
        "#include <hotplate.h>\n"
        "double n(double x) { return x; }\n"
        'double m(hp_ctx *c, double n) { return n > 9 ? hp_fail(c, "too much"), 0 : n; }\n'
    )
    return hotplate.open(path)


@pytest.fixture(scope="module")
def swept(nb: Notebook) -> SweepRun:
    return nb.sweep("m", x=[1.0, 2.0, 3.0])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.open(tmp_path / "store") as opened:
        yield opened


def test_a_run_can_be_resumed_by_itself(nb: Notebook, store: RunStore) -> None:
    with pytest.raises(CellError):
        nb.run(x=10.0, record=store)
    failed = nb.last_run
    assert failed is not None
    resumed = nb.resume(failed, store=store, x=2.0)
    assert (resumed.id, resumed.ok) == (failed.id, True)


@pytest.mark.parametrize("run", [5, None, ValueError()])
def test_what_is_no_run_is_not_resumed(nb: Notebook, store: RunStore, run: Any) -> None:
    with pytest.raises(SettingError, match="give a recorded run, or the beginning of its id"):
        nb.resume(run, store=store)


def test_one_lifecycle_needs_no_list(nb: Notebook) -> None:
    lone = Lone()
    nb.run("n", x=1.0, fresh=True, lifecycles=lone)  # type: ignore[arg-type]  # it has what one needs
    assert lone.cells == ["n"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"on_event": "foo"}, "on_event is 'foo'; it is a function that takes an event"),
        ({"on_event": 5}, "on_event is 5"),
        ({"lifecycles": 5}, "5 is no lifecycle: int has no `name`, `setup` and `teardown`"),
        ({"lifecycles": [Nameless()]}, "Nameless has no `name`$"),
        ({"record": "folder"}, "give a RunStore, such as RunStore.open"),
        ({"jobs": "a"}, "jobs is 'a'; it is how many cells may run at once, 1 or more"),
        ({"jobs": 0}, "jobs is 0"),
        ({"abort": 5}, "abort is 5; it is an AbortHandle"),
    ],
)
def test_an_option_of_another_kind_is_refused(nb: Notebook, option: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        nb.run("n", x=1.0, **option)


@pytest.mark.parametrize("inputs", [5, ["x"], {5: 1.0}])
def test_inputs_without_names_are_refused(nb: Notebook, inputs: Any) -> None:
    for start in (nb.run, nb.sweep, nb.watch):
        with pytest.raises(InputError, match="it has values by name, such as inputs="):
            start(inputs=inputs)


def test_what_is_no_name_of_a_cell_is_refused(nb: Notebook) -> None:
    for start in (nb.run, nb.watch):
        with pytest.raises(InputError, match="5 is no cell; give cells by their names"):
            start(5)  # type: ignore[operator]  # as who guesses may


@pytest.mark.parametrize("suffix", ["csv", "npz", "feather"])
def test_a_folder_that_is_not_there_is_named(swept: SweepRun, suffix: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"there is no folder {tmp_path / 'nowhere'}"):
        swept.save(tmp_path / "nowhere" / f"x.{suffix}")


def test_a_file_that_can_not_be_written_says_why(nb: Notebook, tmp_path: Path) -> None:
    (tmp_path / "x.npz").mkdir()
    with pytest.raises(InputError, match="the results were not saved"):
        nb.run("n", x=1.0).save(tmp_path / "x.npz")


def test_a_slice_of_a_sweep_is_a_list_of_its_rows(swept: SweepRun) -> None:
    assert swept[1:3] == [{"x": 2.0, "m": 2.0}, {"x": 3.0, "m": 3.0}]


def test_a_point_that_a_sweep_does_not_have_is_told_with_how_many_it_has(swept: SweepRun) -> None:
    with pytest.raises(IndexError, match="there is no point 99: the sweep has 3, from 0 on"):
        swept[99]
    with pytest.raises(InputError, match="give a point's number, a slice, or the name of a column"):
        swept[1.5]  # type: ignore[call-overload]  # on purpose
