"""What each item of a notebook needs: the links between items, and everything reached over them."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from hotplate.notebook.lexis import names, normalise
from hotplate.notebook.model import ItemKind
from hotplate.notebook.scopes import free_uses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hotplate.notebook.model import Item, NotebookModel

__all__ = ["Closure", "closure_of", "defines_macro", "is_directive", "leading_includes"]


def closure_of(model: NotebookModel) -> Closure:
    """The model's closure, computed once and kept with the model, as a cached property would be."""
    kept = vars(model)
    if "_closure" not in kept:
        kept["_closure"] = Closure(model)
    closure: Closure = kept["_closure"]
    return closure


def includes(item: Item) -> bool:
    """Whether a header is read there, be it within `#if`."""
    if item.kind is ItemKind.INCLUDE:
        return True
    return item.kind is ItemKind.OTHER and _INCLUDE.search(item.text) is not None


_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b", re.MULTILINE)


def defines_macro(item: Item) -> bool:
    """Whether it says what a macro is, or that it is none any more."""
    return item.kind is ItemKind.MACRO or _UNDEF.match(item.text) is not None


_UNDEF = re.compile(r"#[ \t]*undef\b")


def is_directive(item: Item) -> bool:
    """Whether it holds for what stands behind it and for nothing else: directives alone, and `using namespace`."""
    if item.kind is ItemKind.INCLUDE:
        return True
    if item.kind is not ItemKind.OTHER:
        return False
    if item.text.startswith("#"):
        return all(line.startswith("#") for line in normalise(item.text).split("\n"))
    return _USING.match(item.text) is not None


_USING = re.compile(r"using\s+namespace\b")


def leading_includes(items: Iterable[Item]) -> int:
    """How many items there are up to the last include that nothing but directives precedes."""
    leading = 0
    for item in items:
        if item.kind is not ItemKind.MACRO and not (is_directive(item) and item.text.startswith("#")):
            break
        if includes(item):
            leading = item.index + 1
    return leading


class Closure:
    """The links between the items of one notebook, found when they are first asked for."""

    def __init__(self, model: NotebookModel) -> None:
        self._items = model.items
        self._language = model.language
        self._definitions = model.definitions
        self._links: dict[int, tuple[int, ...]] = {}
        self._hidden = {cell.item.index: {port.name for port in cell.ports} for cell in model.cells.values()}
        # Names that locals often share. Reaching a helper too many is harmless; a cell too many would be an edge.
        self._careful = frozenset(
            name for item in model.items if item.kind is ItemKind.CELL or item.mutable for name in item.defines
        )
        self._blocks = _Blocks(model.items)
        self._scoped = frozenset(
            name for item in model.items if item.mutable and item.index in self._blocks.around for name in item.defines
        )
        self._directives = _Directives(model.items)
        self._unnamed = self._reach(item.index for item in model.items if self._is_used_unnamed(item))

    def reach(self, items: Iterable[int], *, bare: bool = False) -> set[int]:
        """The indices of the items and all that they need; unless `bare`, also of what they see without naming it."""
        found = self._reach(items) if bare else self._with_directives(self._reach(items, self._unnamed))
        around = self._blocks.around
        return found.union(*(around[index] for index in found if index in around)) if around else found

    def uses(self, item: Item, wanted: frozenset[str]) -> dict[str, int]:
        """For each wanted name that the item uses unhidden, the offset of the first use in its text."""
        candidates = (names(item.text) & wanted) - self._hidden.get(item.index, set())
        return free_uses(item.text, self._language, candidates, self._scoped) if candidates else {}

    def _is_used_unnamed(self, item: Item) -> bool:
        """Whether every slice has it: operators, specialisations, code within `#if`."""
        return item.kind is ItemKind.OTHER and not is_directive(item) and item.index not in self._blocks

    def _with_directives(self, found: set[int]) -> set[int]:
        """With the directives before the last of the items, and what those need, which may stand behind it."""
        last, reached = -2, -1
        while last < reached:
            last = reached
            # A macro is replaced where it is used: it takes no other directive along.
            reached = max((index for index in found if not defines_macro(self._items[index])), default=-1)
            found = self._reach(self._directives.before(reached), found)
        return found

    def _reach(self, items: Iterable[int], known: Iterable[int] = ()) -> set[int]:
        found = set(known)
        pending = [index for index in items if index not in found]
        found.update(pending)
        while pending:
            for link in self._linked(pending.pop()):
                if link not in found:
                    found.add(link)
                    pending.append(link)
        return found

    def _linked(self, index: int) -> tuple[int, ...]:
        links = self._links.get(index)
        if links is None:
            links = self._links[index] = self._find_links(self._items[index])
        return links

    def _find_links(self, item: Item) -> tuple[int, ...]:
        if item.kind is ItemKind.BROKEN:
            return ()
        used = names(item.text) & self._definitions.keys()
        careful = (used & self._careful) - item.defines
        hidden = careful - self.uses(item, careful).keys() if careful else careful
        # Tags are a name space of their own: in `struct option option(void)` one name is a type and a function, and a
        # parameter of that name hides the function alone.
        is_type = item.kind is ItemKind.TYPE
        return tuple(
            other.index
            for name in used
            for other in self._definitions[name]
            if other is not item
            and (name not in hidden or other.kind is ItemKind.TYPE)
            and (other.kind is ItemKind.TYPE or not (is_type and name in item.defines))
        )


class _Directives:
    """What holds for all that stands behind it, in the order of the file."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self._all = [item.index for item in items if is_directive(item)]
        self._includes = [item.index for item in items if includes(item)]
        self._macros = [item.index for item in items if item.kind is ItemKind.MACRO]
        self._pragmas = {item.index: item.text for item in items if _PRAGMA.match(item.text)}

    def before(self, index: int) -> list[int]:
        """Those that an item sees, and the macros before its headers, which may read them: NDEBUG, _GNU_SOURCE."""
        seen = self._all[: bisect_left(self._all, index)]
        headers = bisect_left(self._includes, index)
        last = self._includes[headers - 1] if headers else -1
        return [*seen, *self._macros[: bisect_left(self._macros, last)], *self._ends(index)]

    def _ends(self, index: int) -> list[int]:
        """The pragmas behind an item, if one before it is still open: compilers refuse some that are never ended."""
        before = [text for at, text in self._pragmas.items() if at < index]
        is_open = sum(len(re.findall(r"\bpush", text)) - len(re.findall(r"\bpop", text)) for text in before) > 0
        return [at for at in self._pragmas if at > index] if is_open else []


_PRAGMA = re.compile(r"#[ \t]*pragma\b")


class _Blocks:
    """`namespace x {` and `extern "C" {` with the items between them and their closing braces."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self.around: dict[int, tuple[int, ...]] = {}
        self._brackets: set[int] = set()
        opened: list[tuple[int, int]] = []
        pairs = dict(_pairs(items))
        for item in items:
            while opened and opened[-1][1] <= item.index:
                opened.pop()
            if opened and item.index not in pairs:
                self.around[item.index] = tuple(index for pair in opened for index in pair)
            if item.index in pairs:
                opened.append((item.index, pairs[item.index]))
        self._brackets.update(pairs, pairs.values())

    def __contains__(self, index: int) -> bool:
        return index in self._brackets


_OPEN = re.compile(r"(?:inline\s+)?namespace\b[^;=]*\{|extern\s*\"C(?:\+\+)?\"\s*\{")


def _pairs(items: tuple[Item, ...]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    opened: list[int] = []
    for item in items:
        if item.kind is ItemKind.OTHER and _OPEN.fullmatch(item.text):
            opened.append(item.index)
        elif item.kind is ItemKind.OTHER and item.text == "}" and opened:
            pairs.append((opened.pop(), item.index))
    return pairs
