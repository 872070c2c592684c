"""HotplateMagics: `%%hotplate` and `%hotplate`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class

from hotplate.errors import HotplateError
from hotplate.jupyter import options
from hotplate.jupyter.commands import Commands
from hotplate.jupyter.completion import completer
from hotplate.jupyter.fragments import Fragment, Isolation
from hotplate.jupyter.interrupting import interruptible, listen
from hotplate.jupyter.language import HAS_WORKERS
from hotplate.jupyter.outcome import is_quiet, quietly, summarise
from hotplate.jupyter.session import Session
from hotplate.jupyter.voice import Voice, show, teller

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import ExecutionInfo, InteractiveShell

    from hotplate.jupyter.fragments import Options
    from hotplate.jupyter.running import Ran
    from hotplate.notebook.model import Language

_MAGICS = ("%hotplate", "%%hotplate")
_STOPPED = "stopped before any cell ran; all is as it was"
_NO_WORKERS = (
    "cells run in the kernel's own process here, for there are workers on Linux and Windows alone: a crash ends the "
    "kernel, and a loop can be stopped only if it polls hp_check"
)
HELP = """\
%%hotplate [name] [options]    the C code of this cell (--cpp: C++) becomes cells; they run when their inputs are there
%hotplate run [CELL...]        brings cells up to date
%hotplate list                 the cells, how they stand, and their values
%hotplate time CELL            how long a cell takes
%hotplate graph                what takes what
%hotplate source NAME          the text of a cell
%hotplate watch FILE           follows a file: its results are in the namespace whenever it is saved
%hotplate reset [NAME...]      forgets cells
Each tells more with --help. What a parameter of a cell is called says whose value it takes: that of a cell, or of the
Python variable of that name.
"""


@magics_class
class HotplateMagics(Magics):
    """The magics of one shell, and what they have defined."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._ipython = shell
        self.session = Session(shell.user_ns)
        self.commands = Commands(self)
        self._serial = 0
        self._told = False
        """Whether somebody was told that nothing is isolated here."""
        self._info: ExecutionInfo | None = None

    # ---- the shell ----

    def attach(self) -> None:
        """Takes part in the shell: what is run, and completion."""
        self._ipython.events.register("pre_run_cell", self._before)
        self._ipython.events.register("post_run_cell", self._after)
        complete = completer(self.session, self.commands)
        for magic in _MAGICS:
            hook: Callable[..., None] = self._ipython.set_hook
            hook("complete_command", complete, str_key=magic)

    def detach(self) -> None:
        """Ends that."""
        self._ipython.events.unregister("pre_run_cell", self._before)
        self._ipython.events.unregister("post_run_cell", self._after)
        for magic in _MAGICS:  # or what was defined would be kept, and offered before what comes later
            self._ipython.strdispatchers["complete_command"].strs.pop(magic, None)
        self.commands.close()
        listen(None)

    @property
    def rich(self) -> bool:
        """Whether the frontend shows HTML."""
        return hasattr(self._ipython, "kernel")

    def _before(self, info: ExecutionInfo) -> None:
        self._info = info
        listen(teller())
        self.commands.before_cell()

    def _after(self, _: object) -> None:
        self.commands.after_cell()

    def soon(self, function: Callable[[], object]) -> None:
        """Calls a function in the main thread when that is idle, if it has a loop; any thread may ask."""
        loop = getattr(getattr(self._ipython, "kernel", None), "io_loop", None)
        if loop is not None:
            loop.add_callback(function)

    # ---- the magics ----

    @line_cell_magic
    def hotplate(self, line: str, cell: str | None = None) -> Any:
        """Runs C and C++ in IPython: `%%hotplate` before code, `%hotplate COMMAND` for the rest."""
        try:
            if cell is None:
                return self.commands.run_line(line)
            return self._define(line, cell)
        except HotplateError as error:
            raise (error if is_quiet(error) else quietly(error, self.session.places.error(error))) from None
        except KeyboardInterrupt as error:
            raise (error if is_quiet(error) else quietly(error, _STOPPED)) from None

    hotplate.__doc__ = f"{hotplate.__doc__}\n\n{HELP}\nOptions of %%hotplate:\n{options.cell_parser().format_help()}"

    def _define(self, line: str, text: str) -> None:
        read = options.cell_parser().read(line)
        chosen = options.fragment_options(read)
        if not text.strip():
            print(HELP)
            return
        fragment = self._fragment(text, options.language_of(read), read.name, chosen)
        defined = self.session.define(fragment, compiler=read.compiler)
        ran = None
        if defined.error is None and not read.no_run:
            ran = self.run_cells(self.session.affected(defined), options.run_options(read))
        if chosen.isolation in (Isolation.RUNS, Isolation.ALWAYS) and not HAS_WORKERS and not self._told:
            defined = replace(defined, notes=(*defined.notes, _NO_WORKERS))
            self._told = True
        self.show(summarise(self.session, defined, ran), quiet=read.quiet)
        if defined.error is not None:
            count = sum(found.severity == "error" for found in defined.findings)
            errors = f"{count} error{'s' if count != 1 else ''}"
            raise quietly(defined.error, f"{fragment.place} does not compile: {errors}")
        self.raise_first(ran)

    def _fragment(self, text: str, language: Language, name: str, chosen: Options) -> Fragment:
        self._serial += 1
        return Fragment(
            text,
            language,
            f"In[{self._number()}]",
            self._serial,
            name,
            getattr(self._info, "cell_id", None) or "",
            self._lines_before(text),
            self._serial,
            chosen,
        )

    def run_cells(self, names: list[str], chosen: dict[str, object]) -> Ran:
        """Brings cells up to date, with what they print in the output of this Jupyter cell."""
        voice = Voice(self.session.places, rich=self.rich)
        with interruptible(lambda: bool(voice.running)) as abort:
            return self.session.run(names, on_event=voice, abort=abort, **chosen)

    def show(self, summary: Any, *, quiet: bool = False) -> None:
        """Shows what came of it; what went wrong is shown in any case."""
        if summary and not (quiet and not summary.problems and not summary.diagnostics):
            show(summary)

    def raise_first(self, ran: Ran | None) -> None:
        """Raises what went wrong in a run, in one line: it has been shown."""
        if ran is not None and ran.error is not None:
            words = ran.problems[0].split("\n")[0] if ran.problems else str(ran.error) or "interrupted"
            raise quietly(ran.error, words) from None

    def _number(self) -> int:
        """The number of the Jupyter cell that runs."""
        if self._info is not None and self._info.store_history and self._ipython.history_manager is not None:
            # `execution_count` goes up before the cell runs in some versions of IPython, and after it in others.
            return len(self._ipython.history_manager.input_hist_parsed) - 1
        return self._ipython.execution_count

    def _lines_before(self, text: str) -> int:
        """How many lines of the Jupyter cell stand before the code: the magic's own, and blank ones above it."""
        raw = getattr(self._info, "raw_cell", "") or ""
        lines = raw.split("\n")
        for number, line in enumerate(lines, 1):
            if line.lstrip().startswith("%%hotplate") and "\n".join(lines[number:]).strip() == text.strip():
                return number
        return 1
