"""HotReloader: from a proposal to the active version, or to the reason why the last one stays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate import notebook as notation
from hotplate.errors import BuildError, HandshakeError, HotplateError, InputError, NotebookError
from hotplate.load import library_report
from hotplate.reload import HotReloader, Proposal
from hotplate.run import StateManager
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from hotplate.run import Version

A, B = "int a(void) { return 1; }\n", "int b(int a) { return a + 1; }\n"


def proposal(text: str) -> Proposal:
    model = notation.parse(Path(__file__).with_name("n.c"), text)
    graph = notation.build_graph([notation.node_of(cell) for cell in model.cells.values()])
    return Proposal(model, graph, {}, diagnostics=tuple(notation.check(model, graph)))


@pytest.fixture
def reloader() -> HotReloader:
    return HotReloader(Toolchain(), StateManager())


def test_a_text_that_runs_is_the_active_version(reloader: HotReloader) -> None:
    version = reloader.reload(proposal(A + B))
    assert reloader.active is version
    assert (version.number, list(version.tasks), reloader.notice) == (1, ["a", "b"], "")
    assert version.tasks["b"].call(41) == 42


def test_a_version_stays_callable_when_a_newer_one_is_active(reloader: HotReloader) -> None:
    before = reloader.reload(proposal(A + B))
    after = reloader.reload(proposal(A + B.replace("a + 1", "a + 2")))
    assert (before.tasks["b"].call(0), after.tasks["b"].call(0)) == (1, 2)
    assert after.tasks["a"].call is before.tasks["a"].call, "code that is the same is not loaded again"


def test_what_no_version_has_any_more_is_unloaded(reloader: HotReloader) -> None:
    reloader.reload(proposal(A + B.replace("a + 1", "a + 71")))
    unloaded = library_report().unloaded
    reloader.reload(proposal(A))
    assert library_report().unloaded == unloaded + 1


def test_the_same_text_is_the_same_version(reloader: HotReloader) -> None:
    first = reloader.reload(proposal(A + B))
    assert reloader.reload(proposal(A + B)).number == first.number
    assert reloader.reload(proposal(A + "// more\n" + B)).number == first.number + 1


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        (A + B.replace("a + 1", "undeclared"), BuildError, "does not compile"),
        (A.replace("int", "float") + B, NotebookError, "has cells that don't fit together"),
    ],
)
def test_a_text_that_does_not_run_changes_nothing(
    reloader: HotReloader, text: str, error: type[HotplateError], why: str
) -> None:
    good = reloader.reload(proposal(A + B))
    with pytest.raises(error):
        reloader.reload(proposal(text))
    assert reloader.active is good
    assert reloader.notice == f"running v1; the file is newer and {why}"
    assert good.tasks["b"].call(1) == 2
    reloader.reload(proposal(A + B))
    assert reloader.notice == ""


def test_a_library_that_is_not_the_one_asked_for_changes_nothing(reloader: HotReloader) -> None:
    good = reloader.reload(proposal(A + B))
    newer = proposal(A + B.replace("a + 1", "a + 9"))
    built = reloader.build(newer.model, newer.native)
    forged = {**built, "b": replace(built["b"], unit_key="0" * 32)}
    with pytest.raises(HandshakeError, match=r"wanted .* offered"):
        reloader.activate(newer, forged)
    assert reloader.active is good
    assert reloader.activate(newer, built).tasks["b"].call(0) == 9


def test_who_asks_is_told_of_what_came_and_what_was_refused(reloader: HotReloader) -> None:
    came: list[Version] = []
    refused: list[HotplateError] = []
    reloader.on_success.append(came.append)
    reloader.on_failure.append(refused.append)
    reloader.reload(proposal(A))
    with pytest.raises(BuildError):
        reloader.reload(proposal(A.replace("1", "one")))
    reloader.reload(proposal(A.replace("1", "2")))
    assert [version.number for version in came] == [1, 2]
    assert [type(error) for error in refused] == [BuildError]


def test_earlier_texts_are_kept_up_to_a_number(reloader: HotReloader) -> None:
    for i in range(20):
        reloader.reload(proposal(A + f"// {i}\n"))
    assert reloader.versions == tuple(range(4, 20))
    assert reloader.earlier(7)[1].text == A + "// 6\n"
    assert reloader.earlier()[0] == 19
    assert reloader.earlier(before=7)[0] == 6
    with pytest.raises(InputError, match="there is no version v3 to go back to; kept are v4, v5"):
        reloader.earlier(3)
