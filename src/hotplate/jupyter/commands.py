"""Commands: what `%hotplate COMMAND` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from hotplate.execute.workers import arena
from hotplate.jupyter import options
from hotplate.jupyter.outcome import summarise, summary_of_watch
from hotplate.jupyter.summary import Row, Summary
from hotplate.jupyter.timing import time_cell
from hotplate.jupyter.watching import Watched
from hotplate.notebook import suggest
from hotplate.notebook.drawing import DrawnGraph
from hotplate.show.graphs import State
from hotplate.show.words import milliseconds, preview, type_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from hotplate.jupyter.cells import Home
    from hotplate.jupyter.magics import HotplateMagics
    from hotplate.jupyter.status import CellState


class Commands:
    """The commands of one shell's magics."""

    def __init__(self, magics: HotplateMagics) -> None:
        self._magics = magics
        self._session = magics.session
        self._commands: dict[str, tuple[options.Parser, Callable[[argparse.Namespace], Any]]] = {
            "run": (_run_parser(), self._run),
            "list": (_parser("list", "the cells, how they stand, and their values"), self._list),
            "status": (_parser("status", "the same as list"), self._list),
            "time": (_time_parser(), self._time),
            "graph": (_names_parser("graph", "what takes what"), self._graph),
            "source": (_name_parser("source", "the text of a cell"), self._source),
            "reset": (_names_parser("reset", "forgets cells, with the Jupyter cells that define them; all, if none is "
                                    "named"), self._reset),
            "watch": (_watch_parser(), self._watch),
        }  # fmt: skip
        self._watched: dict[Path, Watched] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The commands there are."""
        return tuple(self._commands)

    def flags(self, command: str) -> Sequence[str]:
        """The options of a command."""
        return options.flags_of(self._commands[command][0]) if command in self._commands else ()

    def run_line(self, line: str) -> Any:
        """Does what a line says. Raises UsageError for what makes no sense."""
        words = options.split(line)
        if not words or words[0] in ("help", "--help", "-h"):
            from hotplate.jupyter.magics import HELP

            print(HELP)
            return None
        name, *rest = words
        if name not in self._commands:
            raise UsageError(f"%hotplate has no command {name}; {suggest(name, self._commands)}")
        parser, function = self._commands[name]
        if "--help" in rest or "-h" in rest:
            print(parser.format_help())
            return None
        return function(parser.parse_args(rest))

    # ---- what they do ----

    def _run(self, read: argparse.Namespace) -> None:
        names = self._known(read.cells) or list(self._session.graph.order)
        ran = self._magics.run_cells(names, options.run_options(read))
        self._magics.show(summarise(self._session, None, ran), quiet=read.quiet)
        self._magics.raise_first(ran)

    def _list(self, _: argparse.Namespace) -> Summary:
        rows, given = [], self._session.namespace.values_of(self._session.graph.nodes)
        for name, state in self._session.states(self._session.graph.nodes).items():
            if name in given:
                rows.append(Row(name, "given", preview(given[name]), why=f"the Python variable {name} stands for it"))
            else:
                rows.append(_row(name, state, self._session.home(name)))
        for watched in self._watched.values():
            rows += [_row(name, watched.state(name), watched) for name in watched.notebook.model.cells]
        return Summary(tuple(rows), () if rows else ("there are no cells yet; define some with %%hotplate",))

    def _time(self, read: argparse.Namespace) -> Any:
        (name,) = self._known([read.cell])
        ran = self._magics.run_cells([name], {"output": "none"})
        if name in ran.missing or (ran.error is not None and not ran.results):
            self._magics.show(summarise(self._session, None, ran))
            self._magics.raise_first(ran)
            return None
        return time_cell(self._session, name, read.seconds, read.rounds)

    def _graph(self, read: argparse.Namespace) -> Any:
        graph = self._session.graph
        names = self._known(read.cells)
        shown = graph.subgraph(names) if names else graph
        states = self._session.states(shown.order)
        drawn = {name: self._drawn_state(name, state) for name, state in states.items()}
        given = self._session.namespace.values_of(shown.order)
        return DrawnGraph(shown, drawn | {name: State("given", type_of(value)) for name, value in given.items()})

    def _drawn_state(self, name: str, state: CellState) -> State:
        try:
            kind = type_of(self._session.home(name).value(name))
        except KeyError:  # it has no value
            return State("waiting" if state.missing else "" if state.status == "built" else state.status)
        is_old = state.stale and state.status in ("ok", "kept", "given", "draft")
        return State("stale" if is_old else state.status, kind, milliseconds(state.seconds) if state.seconds else "")

    def _source(self, read: argparse.Namespace) -> None:
        (name,) = self._known([read.cell])
        print(self._session.home(name).source(name))

    def _reset(self, read: argparse.Namespace) -> None:
        gone = self._session.forget(self._known(read.cells))
        arena.trim()  # else as much as half of the machine's memory is kept warm for results that may never come
        print(f"forgot {', '.join(gone)}" if gone else "there was nothing to forget")

    def _watch(self, read: argparse.Namespace) -> None:
        if read.stop:
            self._stop_watching(Path(read.file).absolute() if read.file else None)
            return
        if not read.file:
            raise UsageError(f"%hotplate watch: which file? {self._watched_words()}")
        path = Path(read.file).expanduser().absolute()
        if path in self._watched:
            self._stop_watching(path)
        watched = Watched(
            path,
            self._session.namespace,
            self._news,
            isolation=read.isolation,
            executor=read.executor,
            compiler=read.compiler,
            flags=options.split(read.flags),
        )
        watched.start(rich=self._magics.rich)
        self._watched[path] = watched
        notes = tuple(watched.bind())
        if not self._magics.rich:
            shown = summary_of_watch(watched)
            self._magics.show(replace(shown, notes=(*notes, *shown.notes)))
        elif notes:
            self._magics.show(Summary(notes=notes))

    def _stop_watching(self, path: Path | None) -> None:
        if path is not None and path not in self._watched:
            raise UsageError(f"%hotplate watch: {path.name} is not watched; {self._watched_words()}")
        for one in [path] if path is not None else list(self._watched):
            self._watched.pop(one).stop()

    def _watched_words(self) -> str:
        names = ", ".join(path.name for path in self._watched)
        return f"watched are {names}" if names else "no file is watched"

    def _news(self, watched: Watched) -> None:
        """Told on a thread of the watch."""
        if self._watched.get(watched.path) is watched:
            self._magics.soon(watched.bind)

    def _known(self, names: Sequence[str]) -> list[str]:
        for name in names:
            if name not in self._session.graph.nodes:
                raise UsageError(f"there is no cell {name}; {suggest(name, self._session.graph.nodes)}")
        return list(names)

    # ---- the shell ----

    def close(self) -> None:
        """Ends what is being watched."""
        self._stop_watching(None)

    def before_cell(self) -> None:
        """A Jupyter cell is about to run: it finds the newest cells of watched files."""
        for watched in self._watched.values():
            watched.bind()

    def after_cell(self) -> None:
        """One has run, and may have changed what watched files take."""
        for watched in self._watched.values():
            watched.refresh()


def _row(name: str, state: CellState, home: Home) -> Row:
    try:
        value = preview(home.value(name))
    except KeyError:
        value = ""
    status = "waiting" if state.missing else state.status
    why = f"needs {', '.join(state.missing)}" if state.missing else state.mark
    version = f"v{state.version}" if state.version else ""
    words = ", ".join(filter(None, (version, state.place, why)))
    return Row(name, status, value, state.seconds or None, why=words)


def _parser(name: str, description: str) -> options.Parser:
    return options.Parser(prog=f"%hotplate {name}", description=description, add_help=False, allow_abbrev=False)


def _run_parser() -> options.Parser:
    parser = _names_parser("run", "brings cells up to date, and what they need; all, if none is named")
    options.add_run_options(parser)
    return parser


def _names_parser(name: str, description: str) -> options.Parser:
    parser = _parser(name, description)
    parser.add_argument("cells", nargs="*", metavar="CELL")
    return parser


def _name_parser(name: str, description: str) -> options.Parser:
    parser = _parser(name, description)
    parser.add_argument("cell", metavar="CELL")
    return parser


def _watch_parser() -> options.Parser:
    parser = _parser("watch", "builds, reloads and runs a file whenever it is saved; its cells are in the namespace")
    parser.add_argument("file", nargs="?", metavar="FILE")
    parser.add_argument("--stop", action="store_true", help="ends that, for FILE or for all")
    options.add_isolation(parser)
    parser.add_argument("--executor", default="", help="by default process, or linear where that is not there")
    parser.add_argument("--compiler", help="gcc, clang, zig, tcc or a command")
    parser.add_argument("--flags", default="", help="compiler arguments for every cell")
    return parser


def _time_parser() -> options.Parser:
    parser = _name_parser("time", "calls a cell again and again with the inputs of its latest run")
    parser.add_argument("--seconds", type=options.seconds, default=1.0, help="how long that may take")
    parser.add_argument("--rounds", type=options.count, help="how many calls, in place of that")
    return parser
