"""Plugins of another distribution, which is built and installed for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate.errors import SettingError
from hotplate.execute import make_executor
from hotplate.execute.conformance import CASES, Case
from hotplate.run.lifecycles.registry import make_lifecycles

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).parents[1] / "plugins/hotplate_sample"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sample distribution is installed to, as pip does it and without the network."""
    folder = tmp_path_factory.mktemp("plugins")
    sources = shutil.copytree(SAMPLE, folder / "sources")  # setuptools writes beside what it builds
    offline = ["--no-build-isolation", "--no-index", "--no-deps", "--disable-pip-version-check", "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", folder / "site", sources]
    subprocess.run(list(map(str, command)), check=True, stdin=subprocess.DEVNULL)
    return folder / "site"


@pytest.fixture(autouse=True)
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(site))
    yield
    for name in imported():
        del sys.modules[name]


def imported() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] == "hotplate_sample"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nb(here: Path) -> hotplate.Notebook:
    """Of a, b and c, where c needs b."""
    notebook = hotplate.Notebook(here / "empty.c", text="")
    order = notebook.order = []  # type: ignore[attr-defined]

    @notebook.cell
    def a() -> int:
        order.append("a")
        return 1

    @notebook.cell
    def b() -> int:
        order.append("b")
        return 2

    @notebook.cell
    def c(b: int) -> int:
        order.append("c")
        return b + 1

    return notebook


# ---- an executor ----


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_executor_keeps_what_executors_promise(case: Case) -> None:
    case.check(lambda: make_executor("backwards"))


def test_the_executor_runs_a_notebook_in_its_own_order(nb: hotplate.Notebook) -> None:
    assert dict(nb.run(executor="backwards")) == {"a": 1, "b": 2, "c": 3}
    assert nb.order == ["b", "c", "a"]  # type: ignore[attr-defined]


# ---- lifecycles ----


def test_a_lifecycle_sees_every_attempt(nb: hotplate.Notebook, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTPLATE_SAMPLE_TIMES", str(here / "log.jsonl"))
    run = nb.run(lifecycles=["times"])
    lines = [json.loads(line) for line in (here / "log.jsonl").read_text().splitlines()]
    assert [(line["run"], line["cell"], line["attempt"], line["outcome"]) for line in lines] == [
        (run.id, name, 1, "ok") for name in "abc"
    ]


def test_a_lifecycle_leaves_a_cell_out_and_what_depends_on_it(nb: hotplate.Notebook, here: Path) -> None:
    (here / "b.hold").touch()
    run = nb.run(lifecycles=["hold"])
    assert nb.order == ["a"]  # type: ignore[attr-defined]
    assert {name: cell.status for name, cell in run.cells.items()} == {"a": "ok", "b": "skipped", "c": "skipped"}
    assert run.cells["b"].reason == "b.hold is there"


@pytest.mark.parametrize(("chosen", "timed"), [(["hold", "times"], "ab"), (["times", "hold"], "abc")])
def test_they_surround_each_other_in_the_order_given(
    nb: hotplate.Notebook, here: Path, chosen: list[str], timed: str
) -> None:
    (here / "c.hold").touch()
    nb.run("a", "c", lifecycles=chosen)
    cells = [json.loads(line)["cell"] for line in (here / "times.jsonl").read_text().splitlines()]
    assert "".join(cells) == timed


# ---- broken ones ----


def test_only_what_is_chosen_is_imported() -> None:
    make_lifecycles(["times"])
    assert imported() == {"hotplate_sample", "hotplate_sample.lifecycles"}


def test_nothing_is_imported_when_nothing_is_chosen(nb: hotplate.Notebook) -> None:
    nb.run()
    assert imported() == set()


BROKEN = [
    (
        "unimportable",
        "(hotplate_sample.unimportable:{Kind}) can't be used: "
        "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'",
    ),
    (
        "ahead",
        "(hotplate_sample.misfits:{Ahead}) can't be used: wanted API version 1, offered 1000; "
        "update hotplate, or install an older hotplate-sample",
    ),
    ("unrelated", "(hotplate_sample.misfits:Unrelated) can't be used: Unrelated has no {needs}"),
    ("unlicensed", "(hotplate_sample.misfits:unlicensed) can't be used: OSError: no licence was found"),
]


@pytest.mark.parametrize(("name", "why"), BROKEN, ids=[name for name, _ in BROKEN])
@pytest.mark.parametrize("what", ["lifecycle", "executor"])
def test_a_broken_one_that_is_chosen_ends_the_run_before_it_begins(
    nb: hotplate.Notebook, what: str, name: str, why: str
) -> None:
    with pytest.raises(SettingError) as caught:
        _ = nb.run(executor=name) if what == "executor" else nb.run(lifecycles=["times", name])
    words = {"Kind": "Lifecycle", "Ahead": "Ahead", "needs": "`name`, `setup` and `teardown`"}
    if what == "executor":
        words = {"Kind": "Executor", "Ahead": "AheadExecutor", "needs": "`name` and `execute`"}
    assert str(caught.value) == f"the {what} {name} of hotplate-sample 1.2 {why.format(**words)}"
    assert nb.order == []  # type: ignore[attr-defined]
