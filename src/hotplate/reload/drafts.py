"""Drafts: a first result from tcc, which compiles a cell in 10 ms, while the optimising compiler is at work.

It is run only where that costs less than it gains, and where nobody can tell that a cell ran twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hotplate.errors import HotplateError, ToolchainError
from hotplate.load.trial import try_loading
from hotplate.notebook.slice import slice_cell
from hotplate.reload.builds import Builds, libraries
from hotplate.toolchain import Artifact
from hotplate.toolchain.compiler import Family
from hotplate.toolchain.unit import make_unit

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterable, Mapping

    from hotplate.notebook.model import NotebookModel
    from hotplate.reload.builds import Built, Started
    from hotplate.reload.planner import ReloadPlan
    from hotplate.reload.proposal import Proposal
    from hotplate.reload.reloader import HotReloader
    from hotplate.run import Version

SLOWDOWN = 30
"""How much longer a draft may run than gcc's code: 31 times for a matrix product, 3 to 8 for simpler loops."""
_ALIKE = ("-O", "-g", "-W", "-D", "-U", "-I", "-march=", "-mtune=")
"""Flags that mean the same to tcc, or nothing that a first result has to know. Others it ignores without a word."""
_EFFECTS = re.compile(
    r"\b(hp_state|\w*printf|put[sc]|putchar|perror|fput\w+|fwrite|write|\w*scanf|getc|getchar|fget\w+|fread|read|getline"
    r"|f?open|freopen|popen|system|remove|rename|unlink|mkdir|kill|signal|fork|exec\w+|setenv|putenv|atexit"
    r"|pthread_create|socket|send|s?rand\w*|[de]rand48)\s*\("
)
"""Calls that make a second run of a cell more than a repetition."""


class Drafts:
    """The drafts of a notebook that is being edited. One thread asks for them."""

    def __init__(self, reloader: HotReloader, changed: threading.Condition, *, wanted: bool = True) -> None:
        """`changed` is that of the notebook's own builds: it ends the waiting for drafts when they are done."""
        self._reloader = reloader
        self._toolchain = reloader.toolchain
        self._changed = changed
        self._builds: Builds | None = None
        self._possible = wanted
        """False where nobody wants drafts or there is no tcc, which is looked for once."""
        self._took: dict[str, float] = {}
        """What the optimising compiler took for each cell, in seconds."""

    def activate(
        self, plan: ReloadPlan, proposal: Proposal, started: Started, given_up: Callable[[], bool]
    ) -> Version | None:
        """Makes a version active in which drafts stand in for what is being compiled; None when there are none in time.

        Blocks until the drafts are there or `given_up`. What keeps tcc from making one is no error, nor is what keeps
        one from being loaded: if it is the text's fault, the compiler will say so.
        """
        try:
            drafts = self._compile(plan, proposal, started.cells, given_up)
            if drafts is None:
                return None
            try_loading(libraries(drafts, started.cells))
            return self._reloader.draft(proposal, {**started.found, **drafts}, started.cells)
        except HotplateError:
            return None

    def learn(self, built: Mapping[str, Built]) -> None:
        """Notes what the optimising compiler takes."""
        self._took |= {name: result.seconds for name, result in built.items() if isinstance(result, Artifact)}

    def close(self) -> None:
        """Kills every tcc and waits until it is gone."""
        if self._builds is not None:
            self._builds.close()

    def _compile(
        self, plan: ReloadPlan, proposal: Proposal, cells: Collection[str], given_up: Callable[[], bool]
    ) -> dict[str, Built] | None:
        builds = self._tcc() if self._are_worthwhile(plan, proposal, cells) else None
        if builds is None:
            if self._builds is not None:
                self._builds.start(())  # kills what is left of the text before
            return None
        units = [make_unit(proposal.model, name, builds.toolchain) for name in sorted(cells)]
        return builds.finish(builds.start(units), None, given_up)

    def _are_worthwhile(self, plan: ReloadPlan, proposal: Proposal, cells: Collection[str]) -> bool:
        ran = {name: output.seconds for name in plan.rerun if (output := self._reloader.state.latest(name))}
        return (
            bool(cells)
            and self._possible
            and is_quick(plan.rerun, cells, ran, self._took)
            and can_run_twice(proposal, plan.rerun)
            and all(is_plain(proposal.model, name, self._toolchain.flags) for name in cells)
        )

    def _tcc(self) -> Builds | None:
        if self._builds is None and self._possible:
            self._builds = self._find_tcc()
            self._possible = self._builds is not None
        return self._builds

    def _find_tcc(self) -> Builds | None:
        """None without tcc, where the session compiles with it anyway, and where only one compiler may work."""
        if self._toolchain.builder.jobs < 2 or self._toolchain.compiler("c").family is Family.TCC:
            return None
        tcc = self._toolchain.beside("tcc")
        try:
            tcc.compiler("c")
        except ToolchainError:
            return None
        return Builds(tcc, self._changed)


def is_quick(
    rerun: Iterable[str], drafts: Collection[str], ran: Mapping[str, float], took: Mapping[str, float]
) -> bool:
    """Whether running drafts, and what depends on them, takes less time than compiling: else the final result waits.

    `ran` has the seconds of the last run of each cell, `took` those of its last build. A cell that never ran may take
    for ever, so it has no draft.
    """
    wanted = tuple(rerun)
    if any(name not in ran for name in wanted) or any(name not in took for name in drafts):
        return False
    expected = sum(ran[name] * (SLOWDOWN if name in drafts else 1) for name in wanted)
    return expected <= max((took[name] for name in drafts), default=0.0)


def can_run_twice(proposal: Proposal, rerun: Collection[str]) -> bool:
    """Whether nobody can tell that cells ran once more.

    No cell that would run is impure, and none of the native ones that are rerun has hp_state, prints or writes.
    """
    model = proposal.model
    tasks = [*(model.cells[name].section.attributes for name in proposal.native)]
    tasks += [task.attributes for task in proposal.python.values()]
    native = (name for name in rerun if name in model.cells)
    return not any(task.impure for task in tasks) and not any(
        _EFFECTS.search(slice_cell(model, name).fingerprint) for name in native
    )


def is_plain(model: NotebookModel, name: str, flags: Iterable[str]) -> bool:
    """Whether it is C, without flags that would make tcc's code another program."""
    attributes = model.cells[name].section.attributes
    return model.language.value == "c" and all(flag.startswith(_ALIKE) for flag in (*attributes.flags, *flags))
