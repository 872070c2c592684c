"""What several commands share: options, value parsing, consoles."""

from __future__ import annotations

import ast
import contextlib
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotplate import _platform
from hotplate.errors import InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console

    from hotplate.execute.workers.policy import Policy
    from hotplate.session import Notebook

file_argument = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
cells_argument = click.argument("cells", metavar="[CELL]...", nargs=-1)
set_option = click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="An input, or a cell's value."
)
input_option = click.option("--input", "arrays", multiple=True, metavar="NAME=FILE.npy", help="The same from a file.")
executor_option = click.option(
    "--executor", default="linear", metavar="NAME", help="linear (default), parallel, process, or an installed one."
)
sandbox_option = click.option(
    "--sandbox", is_flag=True, help="For a stranger's notebook: cells and compilers compute, and may do nothing else."
)
resumed_executor_option = click.option(
    "--executor", metavar="NAME", help="Another one than the run began with: linear, parallel, process, ..."
)
lifecycle_option = click.option(
    "--lifecycle", "lifecycles", multiple=True, metavar="NAME", help="An installed one, around each call of a cell."
)
save_option = click.option(
    "--save", type=click.Path(path_type=Path), metavar="OUT.npz", help="Write the results there."
)
jobs_option = click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Cells and compilers at once.")
compiler_option = click.option("--compiler", metavar="NAME", help="gcc, clang, zig, tcc, or a command.")
flags_option = click.option("--flags", default="", metavar="WORDS", help="More compiler arguments for every cell.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


def policy_for(sandbox: bool) -> Policy | None:
    """What --sandbox asks for."""
    from hotplate.execute.workers.policy import Policy

    return Policy.strict() if sandbox else None


def words(flags: str) -> list[str]:
    """The value of --flags, split as a shell splits words."""
    try:
        return shlex.split(flags)
    except ValueError as error:
        message = f"--flags {flags!r} can't be split into words: {error}"
        raise SettingError(message) from error


def console(stream: Any) -> Console:
    """A console for tables on a stream."""
    from rich.console import Console

    # A pipe has no width; tables for another program should not be cut.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 100_000)


def flush() -> None:
    """Writes out what Python and the cells' printf have buffered."""
    with contextlib.suppress(OSError, ValueError):  # a closed pipe, a full disk: too late to tell
        sys.stdout.flush()
        sys.stderr.flush()
    _platform.flush_c_streams()


def divert_stdout() -> Callable[[], None]:
    """Sends what cells print to stderr, so that stdout carries the document alone; returns what undoes it."""
    sys.stdout.flush()
    undo = _platform.divert_stdout()

    def restore() -> None:
        flush()
        undo()

    return restore


def given_values(notebook: Notebook, assignments: Iterable[str], arrays: Iterable[str]) -> dict[str, Any]:
    """What --set and --input give by name. Raises InputError for what can't be read."""
    texts = text_names(notebook)
    given = {}
    for assignment in assignments:
        name, value = _split(assignment, "--set", "NAME=VALUE")
        given[name] = value if name in texts else literal(value)
    for assignment in arrays:
        name, path = _split(assignment, "--input", "NAME=FILE.npy")
        given[name] = _load_array(path)
    return given


def _split(assignment: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals or not name.isidentifier():
        message = f"{option} {assignment!r} is not of the form {form}"
        raise InputError(message)
    return name, value


def text_names(notebook: Notebook) -> set[str]:
    """Parameters and cells that are text, whose values are taken as they stand."""
    from hotplate.notebook.model import PortKind

    cells = notebook.model.cells.values()
    names = {port.name for cell in cells for port in cell.inputs if port.kind is PortKind.TEXT}
    return names | {cell.name for cell in cells if cell.result and cell.result.kind is PortKind.TEXT}


def literal(text: str) -> Any:
    """A number, a boolean or text, as a person would read it."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for read in (lambda t: int(t, 0), float, complex, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that literal_eval raises
            continue
    return text


def _load_array(path: str) -> Any:
    import numpy as np

    try:
        return np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise InputError(f"--input: there is no file {path}") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"--input: {path} is no .npy file that NumPy can read ({error})") from error
