"""`hotplate run`."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any

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
    json_option,
    lifecycle_option,
    literal,
    policy_for,
    sandbox_option,
    save_option,
    set_option,
    words,
)
from hotplate.cli.performing import Performance, refuse_target
from hotplate.cli.recording import Records
from hotplate.errors import InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.run.store import RunStore
    from hotplate.run.sweep import Axis, SweepRun


@click.command()
@file_argument
@cells_argument
@set_option
@input_option
@click.option(
    "--sweep", "swept", multiple=True, metavar="NAME=VALUES", help="Run for each value: 1,2,4 or START:STOP:STEP."
)
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
@click.option(
    "--output",
    type=click.Choice(["live", "none"]),
    default="live",
    help="none: what isolated cells print is only in their logs.",
)
@lifecycle_option
@click.option("--record", is_flag=True, help="Refuse a run that can't be kept on disk; by default it goes on.")
@click.option("--no-record", is_flag=True, help="Keep nothing of the run on disk.")
@click.option("--reuse", is_flag=True, help="Take results of recorded runs that still hold.")
@save_option
@click.option("--keep-going", is_flag=True, help="After a failure, run what does not depend on it.")
@compiler_option
@flags_option
@json_option
def run(
    file: Path,
    cells: Sequence[str],
    assignments: Sequence[str],
    arrays: Sequence[str],
    swept: Sequence[str],
    jobs: int | None,
    sandbox: bool,
    sanitize: bool,
    record: bool,
    no_record: bool,
    reuse: bool,
    save: Path | None,
    keep_going: bool,
    compiler: str | None,
    flags: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Builds a notebook's cells and runs them in dependency order.

    Without CELL all cells run, else those named and what they need.
    """
    if record and no_record:
        raise SettingError("--record keeps what --no-record does not; give one of them")
    refuse_target(save, [file, *(array.partition("=")[2] for array in arrays)], table=bool(swept))
    policy = policy_for(sandbox)
    notebook = hotplate.open(file, compiler=compiler, flags=words(flags), jobs=jobs, policy=policy, sanitize=sanitize)
    options |= {"inputs": given_values(notebook, assignments, arrays), "jobs": jobs, "reuse": reuse}
    axes = _axes(swept)

    def start(store: RunStore | None, sinks: Sequence[Sink]) -> Run | SweepRun:
        recorded: dict[str, Any] = {"record": store or False, "on_event": sinks}
        if not axes:
            return notebook.run(*cells, keep_going=keep_going, **recorded, **options)
        swept_values: dict[str, Any] = {axis.name: axis.values for axis in axes}
        return notebook.sweep(*cells, **recorded, **options, **swept_values)

    records = Records.open(False if no_record else record or reuse or None)
    performance = Performance(notebook, records, save, as_json)
    if axes:
        from hotplate.cli.sweeps import Points, laid_out

        points = Points(lambda: laid_out(notebook, axes, options["inputs"], cells))
        performance = replace(performance, points=points)
    return performance.run(start)


def _axes(swept: Sequence[str]) -> tuple[Axis, ...]:
    """What --sweep asks for. Raises InputError."""
    if not swept:
        return ()
    from hotplate.run.sweep import parse_axis
    from hotplate.run.sweep.axes import check_axes

    axes = tuple(parse_axis(text, literal) for text in swept)
    check_axes(axes, "--sweep")
    for axis in axes:
        if axis.name in signature(hotplate.Notebook.sweep).parameters:
            raise InputError(f"--sweep {axis.name}: a sweep has an option of this name; give the input another one")
    return axes
