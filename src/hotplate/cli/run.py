"""`hotplate run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hotplate
from hotplate.cli.common import (
    cells_argument,
    compiler_option,
    console,
    divert_stdout,
    executor_option,
    file_argument,
    flags_option,
    given_values,
    input_option,
    interruptible,
    jobs_option,
    json_option,
    policy_for,
    sandbox_option,
    set_option,
    words,
)
from hotplate.errors import HotplateError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.session import Notebook


@click.command()
@file_argument
@cells_argument
@set_option
@input_option
@executor_option
@jobs_option
@sandbox_option
@click.option(
    "--on-crash",
    type=click.Choice(["report", "diagnose"]),
    default="report",
    help="diagnose: call an isolated cell that crashed again with sanitizers, which say why.",
)
@click.option("--sanitize", is_flag=True, help="Isolate all cells, and run them with AddressSanitizer and UBSan.")
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
    sandbox: bool,
    on_crash: str,
    sanitize: bool,
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
    policy = policy_for(sandbox)
    notebook = hotplate.open(file, compiler=compiler, flags=words(flags), jobs=jobs, policy=policy, sanitize=sanitize)
    given = given_values(notebook, assignments, arrays)
    interruptible()
    restore_stdout = divert_stdout() if as_json else lambda: None
    try:
        result = _run(notebook, cells, given, executor=executor, jobs=jobs, keep_going=keep_going, on_crash=on_crash)
    except KeyboardInterrupt:
        restore_stdout()
        if notebook.last_run is not None:
            _show(notebook, notebook.last_run, _save(notebook.last_run, save), as_json)
        raise
    except HotplateError as error:
        restore_stdout()
        failed = getattr(error, "run", None)
        if failed is None:
            raise
        _show(notebook, failed, _save(failed, save), as_json)
        print(f"hotplate: {error}", file=sys.stderr)
        return error.exit_code
    restore_stdout()
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
