"""From a notebook's text to its cells and their dependency graph.

Here: reading the file, cutting it into items, cells with their ports, sections, the slice of the file that one cell
needs, the graph, and every rule that can be checked without a compiler. Not here: compilers, dtypes and struct layouts
(the compiler says those), values and running. Everything is a pure function of text, but for `read` and NotebookFile,
which open the file; models are immutable and safe to share between threads.
"""

from hotplate.notebook.decode import language_of
from hotplate.notebook.dimensions import check_extents
from hotplate.notebook.extents import Extent, evaluate, linear, parse_extent
from hotplate.notebook.file import NotebookFile
from hotplate.notebook.graph import Graph, Node, Parameter, Source, build_graph, node_of, suggest
from hotplate.notebook.model import (
    Attributes,
    Cell,
    Helper,
    Item,
    ItemKind,
    Language,
    NotebookModel,
    Port,
    PortKind,
    Result,
    Section,
    Span,
)
from hotplate.notebook.parse import parse, read
from hotplate.notebook.rules import check, helper_notes
from hotplate.notebook.slice import Slice, shared_state, slice_cell

__all__ = [
    "Attributes",
    "Cell",
    "Extent",
    "Graph",
    "Helper",
    "Item",
    "ItemKind",
    "Language",
    "Node",
    "NotebookFile",
    "NotebookModel",
    "Parameter",
    "Port",
    "PortKind",
    "Result",
    "Section",
    "Slice",
    "Source",
    "Span",
    "build_graph",
    "check",
    "check_extents",
    "evaluate",
    "helper_notes",
    "language_of",
    "linear",
    "node_of",
    "parse",
    "parse_extent",
    "read",
    "shared_state",
    "slice_cell",
    "suggest",
]
