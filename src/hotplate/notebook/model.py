"""The notebook as values: cells and their ports, sections, helpers, and the pieces of text they were read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.notebook.condition import Condition
    from hotplate.notebook.extents import Extent


class Language(StrEnum):
    """What a notebook is written in, by its suffix: `.c` is C; `.cpp`, `.cc`, `.cxx`, `.c++`, `.C` are C++."""

    C = "c"
    CPP = "c++"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the notebook. Lines and columns count from 1, columns in characters; the end column is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def within(self, start: int, length: int) -> Span:
        """A piece of it, on its first line: `length` characters from its character `start` on."""
        column = self.column + start
        return Span(self.line, column, self.line, column + length)


class PortKind(StrEnum):
    """What a parameter or a result is."""

    SCALAR = "scalar"
    """A number or a POD struct, by value."""
    TEXT = "text"
    """UTF-8 text: `const char *`; in C++ also `std::string_view`, and `std::string` as a result."""
    ARRAY = "array"
    """In: `const T x[n]`, or `hp::in<T, "n">`. Out: `T out[n]`, or `hp::out<T, "n">`."""
    DYNAMIC = "dynamic"
    """Out only: `hp_out *out`, or a contiguous range returned by a C++ cell. The size is known after the call."""
    CONTEXT = "context"
    """`hp_ctx *`: not a value, the cell's line to its runner."""


@dataclass(frozen=True, slots=True)
class Port:
    """One parameter of a cell."""

    name: str
    """As written: `u0`, `out`, `out_mean`."""
    kind: PortKind
    type: str
    """The element type's text without qualifiers (`double`, `struct body`, `std::vector<double>`); of a DYNAMIC
    `hp_out *` the T of its HP_ARRAY calls, or "" when the cell's body has none."""
    extents: tuple[Extent, ...]
    """One for each axis of an ARRAY, else empty."""
    is_output: bool
    view: bool
    """C++ only: an `hp::in` or `hp::out`, so `in` may be strided."""
    span: Span
    declared: str = ""
    """The parameter's type as written in C++ (`in<double, "n">`), which the generated entry constructs."""

    @property
    def field(self) -> str:
        """The name of an output among several: "mean" for `out_mean`, "out" for a plain `out`."""
        return self.name.removeprefix("out_")


@dataclass(frozen=True, slots=True)
class Result:
    """The return value of a cell. A void cell has none."""

    kind: PortKind
    """SCALAR, TEXT or DYNAMIC (a C++ range)."""
    type: str
    span: Span


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a section says about its cells. Each is the notebook's default when it is not given."""

    flags: tuple[str, ...] = ()
    """Extra compiler arguments, split as a shell splits words."""
    libs: tuple[str, ...] = ()
    """pkg-config package names."""
    std: str = ""
    """The language standard, as for the compiler's -std (`gnu11`, `c++23`)."""
    timeout: float | None = None
    """Seconds that one call may take."""
    grace: float | None = None
    """Seconds that a call has to answer a request to stop."""
    retries: int = 0
    """How often a call that did not end well is tried again; `retry_on` says after what."""
    backoff: tuple[float, ...] = ()
    """Seconds before each further attempt: none; one number, the same each time; or the first and the longest of waits
    that double, each up to that long at random."""
    retry_on: tuple[tuple[str, int | None], ...] = ()
    """After what a call is tried again (`crashed`, `timed_out`, `lost`, `failed`), with the number of further attempts
    that this may cost (None: no limit of its own), and `impure` when impure cells are, too."""
    isolate: bool = False
    """Run in a worker process, not in this one."""
    impure: bool = False
    """The result depends on more than the inputs: always run again."""
    when: Condition | None = None
    """What must hold for the cells to run; else they are skipped."""
    trap: tuple[str, ...] | None = None
    """Cells that run only after a failure: of any cell (empty), or of the named ones. None: ordinary cells."""
    clean_env: bool = False
    """Run in a worker with a clean environment, and nowhere else; `isolate` is set, too."""
    flops: Extent | None = None
    """How many floating-point operations a call makes, for benchmarks: arithmetic on dimensions and whole numbers."""
    bytes: Extent | None = None
    """How many bytes a call moves between memory and processor, in the same way."""


@dataclass(frozen=True, slots=True)
class Section:
    """The part of the notebook from a `// %%` line to the next. The part before the first marker has no title."""

    title: str
    attributes: Attributes
    span: Span
    places: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    """Where the value of each attribute stands that was given one."""


class ItemKind(StrEnum):
    """What a top-level piece of the file is."""

    CELL = "cell"
    FUNCTION = "function"
    """A helper: static, inline, namespaced, or not a cell for another reason."""
    TYPE = "type"
    VARIABLE = "variable"
    PROTOTYPE = "prototype"
    MACRO = "macro"
    INCLUDE = "include"
    OTHER = "other"
    """Directives and `using namespace`: part of the slices of what stands behind them. Conditional blocks with code and
    whatever else: part of every slice."""
    BROKEN = "broken"
    """Text that does not parse: part of no slice."""


@dataclass(frozen=True, slots=True)
class Item:
    """A top-level piece of the notebook, verbatim."""

    index: int
    kind: ItemKind
    text: str
    line: int
    """The line of the file that it starts on, from 1."""
    column: int
    defines: frozenset[str]
    """The names that it introduces at file scope."""
    mutable: bool = False
    """A VARIABLE that is neither const nor constexpr: state."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A function that hotplate runs."""

    name: str
    ports: tuple[Port, ...]
    result: Result | None
    section: Section
    signature: str
    """The declaration in the usual spacing: `void u1(int64_t n, const double u0[n], double out[n])`."""
    doc: str
    """The comment right above it, without its markers."""
    span: Span
    name_span: Span
    item: Item

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The ports that need a value, in order: neither outputs nor the context."""
        return tuple(p for p in self.ports if not p.is_output and p.kind is not PortKind.CONTEXT)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the results in order: the return value is `value`, `out_mean` is `mean`, `out` is `out`."""
        returned = ("value",) if self.result else ()
        return returned + tuple(p.field for p in self.ports if p.is_output)


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that is not a cell."""

    name: str
    span: Span
    reason: str
    """Why not, when it looks like one (`parameter p is a bare pointer`); "" for static, inline and the like."""


@dataclass(frozen=True)
class NotebookModel:
    """A parsed notebook. Immutable; safe to share between threads.

    What does not parse is in `diagnostics`; what does is in the other fields all the same.
    """

    path: Path
    language: Language
    text: str
    items: tuple[Item, ...]
    cells: Mapping[str, Cell]
    """In the order of the file."""
    helpers: Mapping[str, Helper]
    sections: tuple[Section, ...]
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines of the file, without newlines."""
        # Not splitlines(): it also splits at form feeds and others, where compilers do not.
        return tuple(self.text.split("\n"))

    @cached_property
    def definitions(self) -> Mapping[str, tuple[Item, ...]]:
        """For each file-scope name, the items that introduce it."""
        found: dict[str, tuple[Item, ...]] = {}
        for item in self.items:
            for name in item.defines:
                found[name] = (*found.get(name, ()), item)
        return found
