"""Commands that look at a notebook without running it: check, graph, new, compile-commands."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

import hotplate
from hotplate.cli.common import compiler_option, file_argument, flags_option, json_option, words
from hotplate.cli.interrupts import interruptible
from hotplate.errors import NotebookError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotplate.diagnostic import Diagnostic
    from hotplate.session import Notebook


@click.command()
@file_argument
@compiler_option
@flags_option
@json_option
def check(file: Path, compiler: str | None, flags: str, as_json: bool) -> int:
    """Parses and compiles a notebook; every finding is shown on the notebook's own lines."""
    from hotplate.diagnostic import exit_code

    notebook = hotplate.open(file, compiler=compiler, flags=words(flags))
    interruptible()
    findings = notebook.check()
    if as_json:
        from hotplate.cli.reports import diagnostic_list, dumps

        print(dumps({"ok": not exit_code(findings), "diagnostics": diagnostic_list(findings)}))
    else:
        _print_findings(notebook, findings)
    return exit_code(findings)


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


@click.command()
@file_argument
@click.option("--format", "form", default="text", metavar="FORMAT", help="text (default), svg, mermaid, dot or json.")
def graph(file: Path, form: str) -> None:
    """Prints the dependency graph. Needs no compiler."""
    from hotplate import notebook as notation
    from hotplate.diagnostic import Severity
    from hotplate.notebook.drawing import FORMATS

    if form not in FORMATS:
        message = f"there is no format {form}; there are {', '.join(FORMATS)}"
        raise SettingError(message)
    notebook = hotplate.open(file)
    print(FORMATS[form](notebook.graph))
    if errors := [d for d in notation.check(notebook.model, notebook.graph) if d.severity is Severity.ERROR]:
        raise NotebookError(errors)  # a cycle, for one, is not in what was drawn


@click.command()
@file_argument
def new(file: Path) -> None:
    """Writes a small notebook to start from, in C or C++ by the file's suffix."""
    from hotplate.cli.templates import template_for

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


@click.command("compile-commands")
@file_argument
@compiler_option
@flags_option
def compile_commands(file: Path, compiler: str | None, flags: str) -> None:
    """Writes compile_commands.json beside the notebook, so that clangd sees it as hotplate compiles it."""
    notebook = hotplate.open(file, compiler=compiler, flags=words(flags))
    target = notebook.write_compile_command()
    print(f"wrote {target}")
