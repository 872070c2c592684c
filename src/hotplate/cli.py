"""The command line. Each command is a thin layer over the Python interface; exit codes are in `main`."""

from __future__ import annotations

import ast
import json
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotplate.errors import HotplateError, InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from hotplate.diagnostic import Diagnostic
    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.session import Notebook

app = typer.Typer(
    name="hotplate",
    help="Runs C and C++ notebooks at native speed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cache_app = typer.Typer(help="The build cache: where it is, how large, and how to empty it.", rich_markup_mode=None)
app.add_typer(cache_app, name="cache")

File = Annotated[Path, typer.Argument(metavar="FILE", help="The notebook: a C or C++ file.", show_default=False)]
Compiler = Annotated[str | None, typer.Option(help="gcc, clang, zig, tcc, or a command.", show_default=False)]
Flags = Annotated[str, typer.Option(help="More compiler arguments for every cell.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def main() -> None:
    """Runs the command line and exits.

    0 done; 1 a cell failed; 2 the notebook or the call is wrong; 3 it does not compile; 130 interrupted.
    """
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    try:
        code = _command()
        if code == 130:  # what typer makes of a KeyboardInterrupt
            raise KeyboardInterrupt
        sys.stdout.flush()  # so that a pipe that was closed shows here, not in Python's own words at exit
    except KeyboardInterrupt:
        print("hotplate: interrupted", file=sys.stderr)
        code = 130
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141 if isinstance(error, BrokenPipeError) else 1
        if code == 1:
            print(f"hotplate: can't write the output: {error.strerror}", file=sys.stderr)
    _leave(code)


def _command() -> int:
    try:
        return app(standalone_mode=False) or 0
    except typer.Exit as request:
        return request.exit_code
    except (HotplateError, MemoryError) as error:
        return _report(error)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except SystemExit:  # what typer makes of a closed pipe
        raise BrokenPipeError from None
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        # A usage error of the command line library.
        print(f"hotplate: {error.format_message().rstrip('.')}; see hotplate --help", file=sys.stderr)
        return 2


def _leave(code: int) -> None:
    """Exits; past threads that are still inside a cell, which nothing in this process can stop."""
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: another Ctrl-C would only garble the exit
    stuck = [t for t in threading.enumerate() if t.name.startswith("hotplate-") and t.name[9:].isdigit()]
    if stuck:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _report(error: BaseException) -> int:
    if "--json" in sys.argv:
        from hotplate.reports import dumps, error_document

        print(dumps(error_document(error)))
    text = str(error) or "out of memory"
    print(text if getattr(error, "diagnostics", None) else f"hotplate: {text}", file=sys.stderr)
    return error.exit_code if isinstance(error, HotplateError) else 1


# ---- run ----


@app.command()
def run(
    file: File,
    cells: Annotated[
        list[str] | None, typer.Argument(metavar="[CELL]...", help="Only these and what they need.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An input, or a cell's value.")
    ] = None,
    arrays: Annotated[
        list[str] | None, typer.Option("--input", metavar="NAME=FILE.npy", help="The same from a file.")
    ] = None,
    executor: Annotated[str, typer.Option(help="linear, parallel, or an installed one.")] = "linear",
    jobs: Annotated[int | None, typer.Option(min=1, help="Cells and compilers at once.", show_default=False)] = None,
    save: Annotated[Path | None, typer.Option(metavar="OUT.npz", help="Write the results there.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="After a failure, run what does not depend on it.")
    ] = False,
    compiler: Compiler = None,
    flags: Flags = "",
    as_json: Json = False,
) -> None:
    """Builds a notebook's cells and runs them in dependency order."""
    import hotplate

    notebook = hotplate.open(file, compiler=compiler, flags=_words(flags), jobs=jobs)
    given = _given(notebook, assignments or (), arrays or ())
    _interruptible()
    try:
        result = _run(notebook, cells or (), given, executor=executor, jobs=jobs, keep_going=keep_going)
    except HotplateError as error:
        failed = getattr(error, "run", None)
        if failed is None:
            raise
        _show(notebook, failed, _save(failed, save), as_json)
        print(f"hotplate: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from error
    _show(notebook, result, _save(result, save), as_json)


def _run(notebook: Notebook, cells: Sequence[str], given: dict[str, Any], **options: Any) -> Run:
    if not sys.stderr.isatty():
        return notebook.run(*cells, inputs=given, **options)
    from hotplate.display import LiveProgress

    with LiveProgress(_console(sys.stderr), notebook.progress) as live:
        sink: Sink = live
        return notebook.run(*cells, inputs=given, on_event=sink, **options)


def _interruptible() -> None:
    """From here on Ctrl-C is an exception: compilers have to be stopped, cells told, the terminal put in order."""
    import signal

    from hotplate.execute.interrupt import watch

    watch.end = _end_at_once
    if callable(signal.getsignal(signal.SIGINT)):  # else it is ignored, as behind nohup
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end_at_once() -> None:
    """Ends past a cell that can't be stopped; nobody else will show the cursor that a live display has hidden."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(130)


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
        from hotplate.reports import dumps, run_document

        print(dumps(run_document(str(notebook.path), result, saved)))
        return
    from hotplate.display import print_run

    print_run(_console(sys.stdout), result)
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


def _words(flags: str) -> list[str]:
    try:
        return shlex.split(flags)
    except ValueError as error:
        message = f"--flags {flags!r} can't be split into words: {error}"
        raise SettingError(message) from error


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


# ---- check, graph ----


@app.command()
def check(file: File, compiler: Compiler = None, flags: Flags = "", as_json: Json = False) -> None:
    """Parses and compiles a notebook; every finding is shown on the notebook's own lines."""
    import hotplate
    from hotplate.diagnostic import exit_code

    notebook = hotplate.open(file, compiler=compiler, flags=_words(flags))
    _interruptible()
    findings = notebook.check()
    if as_json:
        from hotplate.reports import diagnostic_list, dumps

        print(dumps({"ok": not exit_code(findings), "diagnostics": diagnostic_list(findings)}))
    else:
        _print_findings(notebook, findings)
    raise typer.Exit(exit_code(findings))


def _print_findings(notebook: Notebook, findings: Sequence[Diagnostic]) -> None:
    for finding in findings:
        print(finding.render(), file=sys.stderr)
    counts = [
        f"{number} {severity}{'s' if number > 1 else ''}"
        for severity in ("error", "warning")
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    cells = ", ".join(notebook.model.cells) or "none"
    print(f"{notebook.path.name}: {' and '.join(counts) or 'no problems'}; cells: {cells}", file=sys.stderr)


@app.command()
def graph(
    file: File,
    form: Annotated[str, typer.Option("--format", help="text, mermaid, dot or json.")] = "text",
) -> None:
    """Prints the dependency graph. Needs no compiler."""
    import hotplate
    from hotplate.notebook.drawing import FORMATS

    if form not in FORMATS:
        message = f"there is no format {form}; there are {', '.join(FORMATS)}"
        raise SettingError(message)
    print(FORMATS[form](hotplate.open(file).graph))


# ---- new, compile-commands ----


@app.command()
def new(file: File) -> None:
    """Writes a small notebook to start from, in C or C++ by the file's suffix."""
    from hotplate.templates import template_for

    text = template_for(file)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        message = f"{file} exists already; choose another name"
        raise SettingError(message) from None
    except OSError as error:
        message = f"can't write {file}: {error.strerror}"
        raise SettingError(message) from error
    print(f"wrote {file}; run it with: hotplate run {shlex.quote(str(file))}")


@app.command("compile-commands")
def compile_commands(file: File, compiler: Compiler = None) -> None:
    """Writes compile_commands.json beside the notebook, so that clangd sees it as hotplate compiles it."""
    import hotplate

    notebook = hotplate.open(file, compiler=compiler)
    target = notebook.path.parent / "compile_commands.json"
    try:
        known = json.loads(target.read_text("utf-8")) if target.exists() else []
        entries = [entry for entry in known if entry.get("file") != str(notebook.path)]
        entries.append(notebook.compile_command())
        target.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError, AttributeError, TypeError) as error:
        message = f"can't update {target}: {error}; remove it and try again"
        raise SettingError(message) from error
    print(f"wrote {target}")


# ---- doctor, cache ----


@app.command()
def doctor(as_json: Json = False) -> None:
    """Shows the compilers and caches that hotplate finds, and what is missing, with the fix."""
    from hotplate.doctor import examine, render

    report = examine()
    if as_json:
        from hotplate.reports import dumps

        print(dumps(report))
    else:
        print(render(report))
    raise typer.Exit(0 if report["ok"] else 3)


@cache_app.callback(invoke_without_command=True)
def cache(context: typer.Context, as_json: Json = False) -> None:
    """Shows the build cache."""
    if context.invoked_subcommand is not None:
        return
    from hotplate.doctor import cache_facts, cache_line

    facts = cache_facts()
    if as_json:
        from hotplate.reports import dumps

        print(dumps(facts))
    else:
        print(cache_line(facts))


@cache_app.command("clear")
def cache_clear() -> None:
    """Removes everything from the build cache. Loaded cells of running sessions go on working."""
    from hotplate.toolchain.toolchain import Toolchain

    store = Toolchain().cache
    store.clear()
    print(f"emptied {store.root}")


def _console(stream: Any) -> Console:
    from rich.console import Console

    # A pipe has no width; tables for another program should not be cut at 80 columns.
    return Console(file=stream, highlight=False, width=None if stream.isatty() else 160)
