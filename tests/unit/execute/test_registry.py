"""Executors by name: built in, or installed by another distribution."""

from __future__ import annotations

import os
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from hotplate.errors import SettingError
from hotplate.execute import LinearExecutor, ParallelExecutor, make_executor

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_POINTS = """
    [hotplate.executors]
    backwards = installed_executors_good:Backwards
    broken = installed_executors_broken:Broken
    refusing = installed_executors_good:refuse
    mistaken = installed_executors_good:no_executor
"""
GOOD = """
    class Backwards:
        name = "backwards"
        api_version = 1
        def execute(self, graph, call, abort, finished, *, keep_going=False): ...
    def refuse(): raise OSError("no licence")
    def no_executor(): return "a string"
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with executors, one of them in a module that can't be imported."""
    info = tmp_path / "installed_executors-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: installed-executors\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(dedent(ENTRY_POINTS))
    (tmp_path / "installed_executors_good.py").write_text(dedent(GOOD))
    (tmp_path / "installed_executors_broken.py").write_text("import a_module_that_is_nowhere\n")
    for name in ("installed_executors_good", "installed_executors_broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_built_in_ones_are_there() -> None:
    assert isinstance(make_executor("linear"), LinearExecutor)
    parallel = make_executor("parallel", 3)
    assert isinstance(parallel, ParallelExecutor)
    assert parallel.jobs == 3


def test_an_installed_one_is_found_by_its_name() -> None:
    assert make_executor("backwards").name == "backwards"


def test_only_the_chosen_one_is_imported() -> None:
    make_executor("linear")
    assert not {"installed_executors_good", "installed_executors_broken"} & set(sys.modules)
    make_executor("backwards")
    assert "installed_executors_broken" not in sys.modules


def test_a_broken_one_is_an_error_that_names_it_and_says_why() -> None:
    message = (
        r"executor broken of installed-executors 1.0 \(installed_executors_broken:Broken\) .*a_module_that_is_nowhere"
    )
    with pytest.raises(SettingError, match=message):
        make_executor("broken")


def test_one_that_cannot_be_made_is_an_error_with_the_cause() -> None:
    with pytest.raises(SettingError, match=r"refusing.*no licence") as caught:
        make_executor("refusing")
    assert isinstance(caught.value.__cause__, OSError)


def test_one_that_is_no_executor_is_an_error() -> None:
    with pytest.raises(SettingError, match=r"mistaken.*str has no `name` and `execute`"):
        make_executor("mistaken")


def test_an_object_is_taken_as_it_is() -> None:
    executor = LinearExecutor()
    assert make_executor(executor) is executor


@pytest.mark.parametrize("other", [7, object()])
def test_an_object_of_another_kind_is_an_error(other: Any) -> None:
    with pytest.raises(SettingError, match=r"is no executor: .* has no `name` and `execute`"):
        make_executor(other)


def test_an_unknown_name_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(
        SettingError, match="no executor paralel; there are linear, parallel, process, backwards, broken, "
    ):
        make_executor("paralel")


def test_fewer_than_one_job_is_an_error() -> None:
    with pytest.raises(SettingError, match="jobs must be 1 or more, got 0"):
        make_executor("parallel", 0)


def test_jobs_are_the_processors_that_this_process_may_use_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert (ParallelExecutor().jobs, ParallelExecutor(5).jobs) == (3, 5)


def test_jobs_count_where_the_system_has_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert (ParallelExecutor().jobs, ParallelExecutor(5).jobs) == (7, 5)
