"""One graph for a whole sweep, in which cells stand once for each combination of the values that they depend on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from math import prod
from typing import TYPE_CHECKING, Any, overload

from hotplate.errors import InputError
from hotplate.notebook.graph import Graph, Node, Source, suggest
from hotplate.run.sweep.axes import check_axes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hotplate.notebook.graph import Parameter
    from hotplate.run.sweep.axes import Axis

__all__ = ["Points", "Releases", "Sweep", "expand"]


class Points(Sequence["dict[str, Any]"]):
    """The Cartesian product of axes, last axis fastest: the i-th is a dictionary of values by name."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = tuple(axes)
        self._size = prod(len(axis) for axis in self._axes)

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(self._size)[index]]
        places = self.places(index)
        return {axis.name: axis.values[place] for axis, place in zip(self._axes, places, strict=True)}

    def places(self, index: int) -> tuple[int, ...]:
        """Which value of each axis a point has. Raises IndexError."""
        rest, found = range(self._size)[index], []
        for axis in reversed(self._axes):
            rest, place = divmod(rest, len(axis))
            found.append(place)
        return tuple(reversed(found))

    def label(self, index: int) -> str:
        """The point as in the names of instances: `dt=0.1,n=128`."""
        pairs = zip(self._axes, self.places(index), strict=True)
        return ",".join(f"{axis.name}={axis.labels[place]}" for axis, place in pairs)


@dataclass(frozen=True)
class Sweep:
    """A sweep that is laid out: a graph of instances that runs like any other. Immutable."""

    axes: tuple[Axis, ...]
    points: Points
    graph: Graph
    """Of instances: `u1[dt=0.1,n=128]`, or `u0` for a cell that depends on no axis. Point after point, so that few
    intermediate results are there at a time."""
    cells: Mapping[str, str]
    """The cell of each instance, whose task computes it."""
    values: Mapping[str, Any]
    """Given values by the names that edges of the graph have for them (`dt=0.1`): given besides what all points share,
    and overridden as a cell is."""
    targets: tuple[str, ...]
    """The cells whose results are the sweep's."""
    _own: Mapping[str, tuple[int, ...]] = field(repr=False)
    """For each cell, the axes that it depends on."""
    _names: Mapping[str, Sequence[str]] = field(repr=False)
    """For each cell its instances, in the order of the points."""

    def depends_on(self, cell: str) -> tuple[Axis, ...]:
        """The axes that a cell depends on. Raises KeyError."""
        return tuple(self.axes[i] for i in self._own[cell])

    def instances(self, cell: str) -> Sequence[str]:
        """All instances of a cell: for the axes that it depends on, in their order, the last fastest."""
        return self._names[cell]

    def instance(self, point: int, cell: str) -> str:
        """The instance of a cell that belongs to a point, by the point's index. Raises IndexError, KeyError."""
        places, at = self.points.places(point), 0
        for i in self._own[cell]:
            at = at * len(self.axes[i]) + places[i]
        return self._names[cell][at]

    def releases(self) -> Releases:
        """What tells, while the sweep runs, which results nobody needs any more."""
        return Releases(self)


class Releases:
    """Says after each instance which intermediate results were used for the last time. For one run.

    Results of targets and what all points share are never among them. Not thread-safe: executors tell of one end at a
    time.
    """

    def __init__(self, sweep: Sweep) -> None:
        graph, wanted = sweep.graph, set(sweep.targets)
        self._sources = graph.dependencies
        self._uses: dict[str, int] = defaultdict(int)
        self._ended: set[str] = set()
        for name in graph.order:
            for source in graph.dependencies(name):
                # What all points share is there once, and stays.
                if sweep.cells.get(source, source) not in (source, *wanted):
                    self._uses[source] += 1

    def ended(self, instance: str) -> tuple[str, ...]:
        """The results that may be let go because this instance ended, however it did. Call it once for each.

        An instance can end after all that needed it: when they were skipped because of another one.
        """
        free = []
        for source in self._sources(instance):
            if source in self._uses:
                self._uses[source] -= 1
                if not self._uses[source] and source in self._ended:
                    free.append(source)
        if instance in self._uses:
            self._ended.add(instance)
            if not self._uses[instance]:
                free.append(instance)
        return tuple(free)


def expand(graph: Graph, axes: Sequence[Axis], given: Collection[str] = (), targets: Collection[str] = ()) -> Sweep:
    """Lays out a sweep of `axes` over the cells that `targets` need (default: over all, for those nothing else needs).

    A swept name is an input or a cell, which then does not run. `given` names the values that all points share. What
    does not depend on an axis is there once for all its values. Cells with `trap` take no part. Takes linear time in
    the instances.

    Raises InputError for a name that is swept twice or also given, and for one that nothing needs. KeyError for a
    target that is no cell.
    """
    check_axes(axes)
    swept = [axis.name for axis in axes]
    overridden = [name for name in (*swept, *given) if name in graph.nodes]
    wanted = tuple(dict.fromkeys(targets)) or _sinks(graph, overridden)
    if outside := next((name for name in wanted if name in overridden), None):
        raise InputError(f"{outside} is a target and has its values from outside; leave out one of the two")
    if trap := next((name for name in targets if graph.nodes[name].trap is not None), None):
        raise InputError(f"{trap} is a trap, which no sweep runs; run the point that failed on its own")
    part = graph.subgraph(wanted, overridden)
    _check_names(part, swept, given)
    return _Expansion(part, tuple(axes), wanted).sweep()


def _sinks(graph: Graph, overridden: Collection[str]) -> tuple[str, ...]:
    """The cells that nothing else needs, traps aside."""
    traps = {name for name, node in graph.nodes.items() if node.trap is not None}
    used = {source.cell for (consumer, _), source in graph.edges.items() if consumer not in traps}
    return tuple(name for name in graph.order if not (name in used or name in traps or name in overridden))


def _check_names(part: Graph, swept: list[str], given: Collection[str]) -> None:
    """Raises InputError for swept names that have no place in what is run."""
    used = {source.cell for source in part.edges.values()} | part.inputs.keys()
    for name in swept:
        if name in given:
            raise InputError(f"{name} is swept and has one value for all points as well; leave out one of the two")
        if name not in used:
            known = (used | part.nodes.keys()) - {*swept, *given}
            raise InputError(f"nothing that is run depends on {name}, which is swept; {suggest(name, known)}")


class _Expansion:
    """Cells are expanded in dependency order, and their instances then put in the order of the points."""

    def __init__(self, part: Graph, axes: tuple[Axis, ...], targets: tuple[str, ...]) -> None:
        self.part = part
        self.axes = axes
        self.targets = targets
        self.swept = {axis.name: i for i, axis in enumerate(axes)}
        self.strides = [prod(len(after) for after in axes[i + 1 :]) for i in range(len(axes))]
        self.labels = [[f"{axis.name}={label}" for label in axis.labels] for axis in axes]
        self.own: dict[str, tuple[int, ...]] = {}
        self.names: dict[str, list[str]] = {}
        self.edges: dict[tuple[str, str], Source] = {}
        self.inputs: defaultdict[str, list[tuple[str, Parameter]]] = defaultdict(list)
        self.given: defaultdict[str, list[Parameter]] = defaultdict(list)
        """For each cell, what it asks of the caller that is the same at all points."""
        for name, users in part.inputs.items():
            for user, parameter in users if name not in self.swept else ():
                self.given[user].append(parameter)
        self.nodes: list[tuple[int, Node]] = []
        """With the first point that needs the instance."""

    def sweep(self) -> Sweep:
        for name in self.part.order:
            self._expand(self.part.nodes[name])
        self.nodes.sort(key=lambda pair: pair[0])  # stable, and fast: each cell's instances are in order already
        nodes = {node.name: node for _, node in self.nodes}
        inputs = {name: tuple(users) for name, users in self.inputs.items()}
        return Sweep(
            self.axes, Points(self.axes), Graph(nodes, tuple(nodes), self.edges, inputs),
            {instance: cell for cell, names in self.names.items() for instance in names},
            {name: value for axis, names in zip(self.axes, self.labels, strict=True)
             for name, value in zip(names, axis.values, strict=True)},
            self.targets, self.own, self.names,
        )  # fmt: skip

    def _expand(self, node: Node) -> None:
        asked = self._asked(node)
        own = self.own[node.name] = tuple(sorted(set(chain.from_iterable(map(self._axes_of, asked.values())))))
        names = self.names[node.name] = [
            f"{node.name}[{','.join(labels)}]" if labels else node.name
            for labels in product(*(self.labels[i] for i in own))
        ]
        firsts = self._offsets(own, {i: self.strides[i] for i in own})
        self.nodes += zip(firsts, (_renamed(node, name) for name in names), strict=True)
        for asker, source in asked.items():
            self._connect(names, own, asker, source)
        for parameter in self.given.get(node.name, ()):
            self.inputs[parameter.name] += ((name, parameter) for name in names)

    def _asked(self, node: Node) -> dict[str, Source]:
        """Where the values come from that the node asks for: cells, and what is given for swept names."""
        wanted = {}
        for name in (parameter.name for parameter in node.asks):
            source = self.part.edges.get((node.name, name))
            if source is not None or name in self.swept:
                wanted[name] = source or Source(name)
        return wanted

    def _axes_of(self, source: Source) -> tuple[int, ...]:
        if source.cell in self.swept:
            return (self.swept[source.cell],)
        return self.own.get(source.cell, ())

    def _connect(self, names: list[str], own: tuple[int, ...], asker: str, source: Source) -> None:
        """An edge from each instance to the source's instance that has the same values on the axes of both."""
        if source.cell not in self.swept and source.cell not in self.names:  # one value for all: it is overridden
            sources, at = [source], [0] * len(names)
        else:
            axes = self._axes_of(source)
            given = source.cell in self.swept
            instances = self.labels[axes[0]] if given else self.names[source.cell]
            sources = [Source(instance, source.field) for instance in instances]
            at = self._offsets(own, dict(zip(axes, self._strides_of(axes), strict=True)))
        self.edges.update(((name, asker), sources[i]) for name, i in zip(names, at, strict=True))

    def _strides_of(self, axes: tuple[int, ...]) -> list[int]:
        return [prod(len(self.axes[after]) for after in axes[k + 1 :]) for k in range(len(axes))]

    def _offsets(self, own: tuple[int, ...], strides: Mapping[int, int]) -> list[int]:
        """For each combination of values on the axes `own`, the sum of its places times the strides (0 without)."""
        steps = ([place * strides.get(i, 0) for place in range(len(self.axes[i]))] for i in own)
        return [sum(offsets) for offsets in product(*steps)]


def _renamed(node: Node, name: str) -> Node:
    return Node(name, node.parameters, node.fields, node.path, node.span, node.condition, node.trap, node.places)
