"""What a change of the notebook asks for. Pure: two models, build keys and what is kept give the plan."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import normalise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.graph import Graph
    from hotplate.notebook.model import Item, NotebookModel


@dataclass(frozen=True, slots=True)
class Build:
    """What is known of a native cell's library."""

    unit_key: str
    """What identifies its source and how it is compiled."""
    build_key: str = ""
    """The same with the contents of its headers; "" when there is no library for them yet."""
    headers: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """What has to be done so that the newer text runs. Cells are in dependency order."""

    build: tuple[str, ...] = ()
    """Native cells that have to be compiled."""
    load: tuple[str, ...] = ()
    """Those whose library is there, but not the one that is loaded: an edit that was taken back."""
    keep: tuple[str, ...] = ()
    """Those whose code stays, and all others when the text is refused."""
    rerun: Mapping[str, str] = field(default_factory=dict)
    """The cells whose results don't hold, with the reason. Dependents are among them, and may turn out to be kept."""
    drop: tuple[str, ...] = ()
    """Cells that are not there any more."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """New name → old name, for cells that differ in nothing else. They are also in `drop` and `build`."""
    moved: tuple[str, ...] = ()
    """Cells that stand in another order than before; nothing is done for that."""
    refused: tuple[Diagnostic, ...] = ()
    """Why the newer text can't run at all: everything stays as it is."""


def plan_reload(
    before: NotebookModel | None,
    after: NotebookModel,
    graph: Graph,
    *,
    built: Mapping[str, Build],
    wanted: Mapping[str, Build],
    with_results: Collection[str],
    broken: Collection[Diagnostic] = (),
    changed_files: Collection[Path] = (),
) -> ReloadPlan:
    """The plan that leads from the text `before`, whose libraries are `built`, to the text `after`.

    `wanted` are the libraries that `after` needs, `graph` is what is to be run of it, `with_results` the cells whose
    latest result is there, `broken` why the text can't run at all, and `changed_files` serve the reasons alone.
    """
    if broken:
        return ReloadPlan(keep=tuple(built), refused=tuple(broken))
    native = [name for name in graph.order if name in wanted]
    same = [name for name in native if name in built and _same_code(built[name], wanted[name])]
    return ReloadPlan(
        build=tuple(name for name in native if not wanted[name].build_key),
        load=tuple(name for name in native if wanted[name].build_key and name not in same),
        keep=tuple(same),
        rerun=dict(_reruns(graph, built, wanted, with_results, changed_files)),
        drop=tuple(name for name in built if name not in after.cells),
        renamed=renamed_cells(before, after) if before else {},
        moved=_moved(before, after) if before else (),
    )


def renamed_cells(before: NotebookModel, after: NotebookModel) -> dict[str, str]:
    """New name → old name, for cells whose tokens are the same but for the name. Each old cell is found once."""
    gone: defaultdict[str, list[str]] = defaultdict(list)
    for name, cell in before.cells.items():
        if name not in after.cells:
            gone[_nameless(cell.item, name)].append(name)
    found: dict[str, str] = {}
    for name, cell in after.cells.items():
        if gone and name not in before.cells and (alike := gone.get(_nameless(cell.item, name))):
            found[name] = alike.pop(0)
    return found


def _nameless(item: Item, name: str) -> str:
    return " ".join("@" if word == name else word for word in normalise(item.text).split(" "))


def _same_code(built: Build, wanted: Build) -> bool:
    return bool(wanted.build_key) and built.build_key == wanted.build_key


def _reruns(
    graph: Graph,
    built: Mapping[str, Build],
    wanted: Mapping[str, Build],
    with_results: Collection[str],
    changed_files: Collection[Path],
) -> Iterator[tuple[str, str]]:
    rerun: set[str] = set()
    for name in graph.order:
        sources = [source for source in graph.dependencies(name) if source in rerun]
        reason = _why_edited(built.get(name), wanted.get(name), changed_files)
        if not reason and name not in with_results:
            reason = "it has no result"
        if not reason and sources:
            reason = f"{', '.join(sources)} {'are' if len(sources) > 1 else 'is'} rerun"
        if reason:
            rerun.add(name)
            yield name, reason


def _why_edited(built: Build | None, wanted: Build | None, changed_files: Collection[Path]) -> str:
    """Nothing for a cell whose code is what it was, and for a Python cell, whose code is not in the file."""
    if wanted is None or (built and _same_code(built, wanted)):
        return ""
    if built is None:
        return "new"
    if built.unit_key != wanted.unit_key:
        return "edited"
    names = [path.name for path in (*built.headers, *wanted.headers) if path in changed_files]
    return f"{', '.join(dict.fromkeys(names)) or 'a header'} changed"


def _moved(before: NotebookModel, after: NotebookModel) -> tuple[str, ...]:
    """The fewest cells that were taken elsewhere: those outside a longest run of cells that kept their order."""
    common = [name for name in after.cells if name in before.cells]
    place = {name: i for i, name in enumerate(name for name in before.cells if name in after.cells)}
    stayed = _longest_increasing([place[name] for name in common])
    return tuple(name for i, name in enumerate(common) if i not in stayed)


def _longest_increasing(values: list[int]) -> set[int]:
    """The indices of a longest increasing subsequence (patience sorting, O(n log n))."""
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for i, value in enumerate(values):
        at = bisect_left(tails, value)
        tails[at : at + 1] = [value]
        tail_at[at : at + 1] = [i]
        previous.append(tail_at[at - 1] if at else -1)
    kept, i = set(), tail_at[-1] if tail_at else -1
    while i >= 0:
        kept.add(i)
        i = previous[i]
    return kept
