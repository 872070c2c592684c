"""`hotplate run`."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hotplate
from hotplate.cli.common import (
    compiler_option,
    console,
    file_argument,
    flags_option,
    flush,
    interruptible,
    json_option,
    words,
)
from hotplate.errors import HotplateError, InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.session import Notebook


@click.command()
@file_argument
@click.argument("cells", metavar="[CELL]...", nargs=-1)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="An input, or a cell's value.")
@click.option("--input", "arrays", multiple=True, metavar="NAME=FILE.npy", help="The same from a file.")
@click.option("--executor", default="linear", metavar="NAME", help="linear (default), parallel, or an installed one.")
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Cells and compilers at once.")
@click.option("--save", type=click.Path(path_type=Path), metavar="OUT.npz", help="Write the results there.")
@click.option("--keep-going", is_flag=True, help="After a failure, run what does not depend on it.")
@compiler_option
@flags_option
@json_option
def run(
    file: Path,
    cells: Sequence[str],
    assignments: Sequence[str],
    arrays: Sequence[str],
    executor: str,
    jobs: int | None,
    save: Path | None,
    keep_going: bool,
    compiler: str | None,
    flags: str,
    as_json: bool,
) -> int:
    """Builds a notebook's cells and runs them in dependency order.

    Without CELL all cells run, else those named and what they need.
    """
    _refuse_target(save, [file, *(array.partition("=")[2] for array in arrays)])
    notebook = hotplate.open(file, compiler=compiler, flags=words(flags), jobs=jobs)
    given = _given(notebook, assignments, arrays)
    interruptible()
    stdout = _divert_stdout() if as_json else None
    try:
        result = _run(notebook, cells, given, executor=executor, jobs=jobs, keep_going=keep_going)
    except KeyboardInterrupt:
        _restore_stdout(stdout)
        if notebook.last_run is not None:
            _show(notebook, notebook.last_run, _save(notebook.last_run, save), as_json)
        raise
    except HotplateError as error:
        _restore_stdout(stdout)
        failed = getattr(error, "run", None)
        if failed is None:
            raise
        _show(notebook, failed, _save(failed, save), as_json)
        print(f"hotplate: {error}", file=sys.stderr)
        return error.exit_code
    _restore_stdout(stdout)
    _show(notebook, result, _save(result, save), as_json)
    return 0


def _refuse_target(save: Path | None, sources: Iterable[str | Path]) -> None:
    """Refuses a file for --save that can't be written, or that would be lost."""
    if save is None:
        return
    if save.suffix != ".npz":
        raise SettingError(f"can't write {save}: results go to an .npz file; name it {save.stem or 'results'}.npz")
    if not save.absolute().parent.is_dir():
        raise SettingError(f"can't write {save}: there is no folder {save.absolute().parent}")
    if any(save.absolute() == Path(source).absolute() for source in sources):
        raise SettingError(f"can't write {save}: the run reads it; choose another name")


def _divert_stdout() -> int:
    """Sends what cells print to stderr, so that stdout carries the document alone; returns the real stdout."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    return real


def _restore_stdout(real: int | None) -> None:
    if real is None:
        return
    flush()
    os.dup2(real, 1)
    os.close(real)


def _run(notebook: Notebook, cells: Sequence[str], given: dict[str, Any], **options: Any) -> Run:
    if not sys.stderr.isatty():
        return notebook.run(*cells, inputs=given, **options)
    from hotplate.cli.display import LiveProgress

    with LiveProgress(console(sys.stderr), notebook.progress) as live:
        sink: Sink = live
        return notebook.run(*cells, inputs=given, on_event=sink, **options)


def _save(result: Run, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        result.save(path)
    except OSError as error:
        message = f"can't write {path}: {error.strerror}; the results were not saved"
        raise SettingError(message) from error
    return str(path)


def _show(notebook: Notebook, result: Run, saved: str | None, as_json: bool) -> None:
    if as_json:
        from hotplate.cli.reports import dumps, run_document

        print(dumps(run_document(str(notebook.path), result, saved)))
        return
    from hotplate.cli.display import print_run

    print_run(console(sys.stdout), result)
    if saved:
        print(f"saved {saved}")


def _given(notebook: Notebook, assignments: Iterable[str], arrays: Iterable[str]) -> dict[str, Any]:
    texts = _text_names(notebook)
    given = {}
    for assignment in assignments:
        name, value = _split(assignment, "--set", "NAME=VALUE")
        given[name] = value if name in texts else _literal(value)
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


def _text_names(notebook: Notebook) -> set[str]:
    """Parameters and cells that are text, whose values are taken as they stand."""
    from hotplate.notebook.model import PortKind

    cells = notebook.model.cells.values()
    names = {port.name for cell in cells for port in cell.inputs if port.kind is PortKind.TEXT}
    return names | {cell.name for cell in cells if cell.result and cell.result.kind is PortKind.TEXT}


def _literal(text: str) -> Any:
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
