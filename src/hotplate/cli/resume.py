"""`hotplate resume`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hotplate
from hotplate.cli.common import (
    given_values,
    input_option,
    jobs_option,
    json_option,
    lifecycle_option,
    policy_for,
    resumed_executor_option,
    save_option,
    set_option,
)
from hotplate.cli.performing import Performance, refuse_target
from hotplate.cli.recording import Records
from hotplate.errors import SettingError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.events import Sink
    from hotplate.run import Run
    from hotplate.run.store import RunRecord, RunStore
    from hotplate.run.sweep import SweepRun
    from hotplate.session import Notebook

_SHOWN = 10


@click.command()
@click.argument("run", metavar="RUN", required=False)
@click.option("--strict", is_flag=True, help="Refuse a notebook that has changed.")
@click.option("--force", is_flag=True, help="Take over all results, whatever has changed.")
@click.option("--again", is_flag=True, help="Count attempts from 1 again.")
@click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="Where the notebook has been moved to since."
)
@set_option
@input_option
@resumed_executor_option
@jobs_option
@click.option("--keep-going", is_flag=True, default=None, help="After a failure, run what does not depend on it.")
@lifecycle_option
@save_option
@json_option
def resume(
    run: str | None,
    strict: bool,
    force: bool,
    file: Path | None,
    assignments: Sequence[str],
    arrays: Sequence[str],
    save: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Goes on with a recorded run that failed, was interrupted or lost its process.

    RUN is the beginning of its name, as `hotplate runs` shows it. Without RUN, those are listed that can be resumed.
    """
    if strict and force:
        raise SettingError("--strict refuses what --force allows; give one of them")
    from hotplate.run.store import RunStore
    from hotplate.session.resuming import refuse_done

    store = RunStore.open(create=False)
    if run is None:
        raise StoreError(_choice(store))
    record = store.find_run(run)
    if record.summary.parent is not None:
        raise StoreError(
            f"run {record.id} is a point of a sweep; go on with that: hotplate resume {record.summary.parent}"
        )
    refuse_done(record)
    path = file or Path(record.summary.notebook)
    refuse_target(save, [path], table=bool(record.summary.point))
    notebook = _opened(record, path)
    options |= {
        "mode": "strict" if strict else "force" if force else "reuse",
        "inputs": given_values(notebook, assignments, arrays),
    }

    def start(store: RunStore | None, sinks: Sequence[Sink]) -> Run | SweepRun:
        return notebook.resume(record.id, store=store, on_event=sinks, **options)

    return Performance(notebook, Records(store), save, as_json).run(start)


def _choice(store: RunStore) -> str:
    """What to say to somebody who has named no run."""
    from hotplate.run.store.listing import ago, is_resumable

    found = [run for run in store.runs() if is_resumable(run) and run.parent is None]
    if not found:
        return "there is no run to resume: all that were recorded are done or still going on"
    lines = [
        f"  hotplate resume {store.shorten(run.id)}    {Path(run.notebook).name}, {run.state} {ago(run.began)}"
        for run in found[:_SHOWN]
    ]
    more = [f"  and {len(found) - _SHOWN} more: hotplate runs --all"] if len(found) > _SHOWN else []
    return "\n".join(["say which run to resume:", *lines, *more])


def _opened(record: RunRecord, notebook: Path) -> Notebook:
    """The run's notebook as it was opened then. Raises SettingError where the command line can't do that."""
    options = record.options
    if options.get("policy") not in (None, "strict"):
        raise SettingError(
            f"run {record.id} was made in Python with a policy of its own, which was not recorded; open the notebook "
            f"in Python with that policy, and call nb.resume({record.id!r})"
        )
    if python := options.get("python"):
        raise SettingError(
            f"run {record.id} has Python functions as cells ({', '.join(python)}), which are not in {notebook}; "
            f"resume it in Python with nb.resume({record.id!r})"
        )
    if not notebook.exists():
        raise SettingError(
            f"{notebook}, of which run {record.id} is, is not there any more; say where it is with --file PATH, or put "
            f"it back: its text is what `hotplate runs {record.id} --text` prints, as in > {shlex.quote(str(notebook))}"
        )
    return hotplate.open(
        notebook,
        compiler=options.get("compiler"),
        flags=options.get("flags", ()),
        sanitize=bool(options.get("sanitize")),
        policy=policy_for(options.get("policy") == "strict"),
    )
