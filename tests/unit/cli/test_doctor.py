"""What `doctor` says about isolation: the truth, without building a worker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import hotplate
from hotplate import Level, Policy
from hotplate.cli.doctor import examine, isolation_facts, render, sandbox_facts
from hotplate.errors import HotplateError
from hotplate.toolchain import toolchain as module
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """hotplate's own C sources, with the smallest of workers."""
    csrc = tmp_path / "csrc"
    for folder, text in {"core": "", "posix": "", "worker": "int main(void) { return 0; }"}.items():
        (csrc / folder).mkdir(parents=True)
        (csrc / folder / "main.c").write_text(f"{text}\ntypedef int nothing;\n")
    monkeypatch.setattr(module, "source_directory", lambda: csrc)
    return csrc


def test_a_worker_that_was_never_asked_for_is_not_built_yet(empty_cache: Path, sources: Path) -> None:
    facts = isolation_facts(Toolchain())
    assert (facts["worker"], facts["bytes"], facts["problem"]) == (None, 0, "")
    assert f"isolation  its worker is not built yet; {facts['compiler']} will be asked to" in render(examine())
    assert not list(empty_cache.rglob("worker"))


def test_a_worker_that_is_there_is_shown_with_its_size(empty_cache: Path, sources: Path) -> None:
    worker = Toolchain().programs.worker()
    facts = isolation_facts(Toolchain())
    assert (facts["worker"], facts["bytes"], facts["compiler"]) == (str(worker.path), worker.size, worker.compiler.name)
    assert f"isolation  {worker.path} ({worker.size / 1024:.0f} KiB, built by " in render(examine())


def test_how_much_memory_cells_may_share_is_shown(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTPLATE_SHARED_MEMORY", "3G")
    report = examine()
    assert report["shared_memory"] == {"limit_bytes": 3 << 30, "variable": "HOTPLATE_SHARED_MEMORY", "problem": ""}
    assert "its arrays may take 3.0 GiB of shared memory" in render(report)


def test_a_senseless_limit_of_shared_memory_is_a_problem(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTPLATE_SHARED_MEMORY", "much")
    report = examine()
    assert report["shared_memory"]["limit_bytes"] is None
    assert report["shared_memory"]["problem"] in report["problems"]


def test_what_keeps_it_from_being_built_is_among_what_is_missing(empty_cache: Path, sources: Path) -> None:
    (sources / "worker" / "main.c").unlink()
    report = examine()
    [problem] = [text for text in report["problems"] if "can't build its worker" in text]
    assert report["isolation"] == {"worker": None, "bytes": 0, "compiler": None, "problem": problem}
    assert report["ok"]


@pytest.mark.skipif(sys.platform != "linux", reason="there is a sandbox on Linux only")
@pytest.mark.parametrize("control", ["filesystem", "network", "processes", "peers"])
def test_what_it_says_can_be_enforced_is_what_a_notebook_can_require(control: str) -> None:
    states = {entry["name"]: entry["state"] for entry in sandbox_facts(Toolchain())["controls"]}
    policy = Policy(**{control: Level.REQUIRE})
    notebook = hotplate.Notebook("one.c", text="int one(void) { return 1; }", policy=policy)
    try:
        ran = notebook.run().ok
    except HotplateError:
        ran = False
    assert ran == (states[control] == "enforced")


@pytest.mark.skipif(sys.platform != "linux", reason="there is a sandbox on Linux only")
def test_a_sandbox_that_can_not_be_tried_is_a_problem(empty_cache: Path, sources: Path) -> None:
    report = examine()
    assert report["sandbox"]["controls"] is None
    assert report["sandbox"]["problem"] in report["problems"]
    assert "sandbox    what the sandbox can enforce is not known: " in render(report)
