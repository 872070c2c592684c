"""`hotplate watch`: the command. What it does is in `watching`, which other commands need not import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import hotplate
from hotplate.cli.common import (
    cells_argument,
    compiler_option,
    executor_option,
    file_argument,
    flags_option,
    given_values,
    input_option,
    jobs_option,
    policy_for,
    sandbox_option,
    set_option,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@click.command()
@file_argument
@cells_argument
@set_option
@input_option
@executor_option
@jobs_option
@sandbox_option
@click.option("--quiet", type=click.FloatRange(min=0), default=40.0, metavar="MS", help="Quiet time after a save (40).")
@click.option("--poll", is_flag=True, help="Look at the files instead of asking the system: for network drives.")
@click.option("--no-drafts", is_flag=True, help="No first results from tcc while the compiler is at work.")
@click.option("--canary", is_flag=True, help="Run new code in a worker first; what crashes there never runs here.")
@click.option(
    "--compile-commands/--no-compile-commands",
    default=None,
    help="Write how editors are to see the file, or never; else what hotplate wrote is kept current.",
)
@click.option("--plain", is_flag=True, help="Print lines instead of drawing.")
@compiler_option
@flags_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line on stdout for each event.")
def watch(
    file: Path,
    cells: Sequence[str],
    assignments: Sequence[str],
    arrays: Sequence[str],
    executor: str,
    jobs: int | None,
    sandbox: bool,
    quiet: float,
    poll: bool,
    no_drafts: bool,
    canary: bool,
    compile_commands: bool | None,
    plain: bool,
    compiler: str | None,
    flags: str,
    as_json: bool,
) -> int:
    """Runs a notebook, and runs it again whenever it is saved: only what the edit touched.

    Without CELL all cells run, else those named and what they need. Ends with q or Ctrl-C.
    """
    notebook = hotplate.open(file, compiler=compiler, flags=words(flags), jobs=jobs, policy=policy_for(sandbox))
    given = given_values(notebook, assignments, arrays)
    options = {
        "executor": executor,
        "jobs": jobs,
        "inputs": given,
        "quiet": quiet / 1000,
        "polling": poll,
        "drafts": not no_drafts,
        "canary": canary,
        "compile_commands": compile_commands,
    }
    from hotplate.cli.live.watching import Watching

    watching = Watching(notebook, cells, options)
    return watching.as_json() if as_json else watching.as_text() if plain else watching.for_people()
