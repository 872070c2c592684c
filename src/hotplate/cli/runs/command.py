"""`hotplate runs`: the command. What it shows is in `run.store.listing`, `one` and `comparison`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hotplate.cli.common import console, json_option
from hotplate.errors import SettingError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.run.store import RunStore

USUAL = 20
"""How many runs are listed unless one says."""


@click.command()
@click.argument("names", metavar="[RUN [OTHER] | FILE]", nargs=-1)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"How many to list; {USUAL}.")
@click.option("--all", "everything", is_flag=True, help="List all, and each point of sweeps.")
@click.option("--events", is_flag=True, help="Print what happened in the run, in order.")
@click.option("--log", metavar="CELL", help="Print all that an isolated cell wrote, of each attempt.")
@click.option("--text", is_flag=True, help="Print the notebook as it was.")
@click.option("--delete", is_flag=True, help="Remove the runs named, and what only they need.")
@json_option
def runs(
    names: Sequence[str],
    limit: int | None,
    everything: bool,
    events: bool,
    log: str | None,
    text: bool,
    delete: bool,
    as_json: bool,
) -> int:
    """Lists recorded runs, the newest first; shows one; compares two.

    RUN is the beginning of a run's name. FILE lists the runs of that notebook.
    """
    from hotplate.run.store import RunStore

    wanted = {"--events": events, "--log": log is not None, "--text": text, "--delete": delete}
    chosen = [option for option, given in wanted.items() if given]
    _refuse_mixture(names, chosen)
    store = RunStore.open(create=False)
    if delete:
        return _delete(store, names, as_json)
    if not names or _is_file(names[0]):
        return _list(store, names, None if everything else limit or USUAL, as_json, folded=not everything)
    if len(names) == 2:
        return _compare(store, names, as_json)
    if log is not None:
        return _log(store, names[0], log, as_json)
    if text:
        print(store.find_run(names[0]).text, end="")
        return 0
    return _show(store, names[0], as_json, events=events)


def _refuse_mixture(names: Sequence[str], chosen: Sequence[str]) -> None:
    files = [name for name in names if _is_file(name)]
    if len(chosen) > 1:
        raise SettingError(f"{' and '.join(chosen)} can't be had at once; give one of them")
    if chosen and (not names or files):
        about = "removes the runs that are named; name some" if chosen == ["--delete"] else "is about one run; name it"
        raise SettingError(f"{chosen[0]} {about}: hotplate runs RUN {chosen[0]}")
    if chosen != ["--delete"] and (len(names) > 2 or (files and len(names) > 1) or (chosen and len(names) > 1)):
        wanted = f"{chosen[0]} is about one run" if chosen else "give a notebook, a run, or two runs to compare"
        raise SettingError(f"{' '.join(names)} can't be shown together: {wanted}")


def _is_file(name: str) -> bool:
    """Whether a name is a notebook's: a run's has no folder, and no suffix but the number of a point."""
    suffix = Path(name).suffix[1:]
    return bool(suffix and not suffix.isdigit()) or Path(name).name != name


def _list(store: RunStore, names: Sequence[str], limit: int | None, as_json: bool, *, folded: bool) -> int:
    from hotplate.cli.runs.one import summary_document
    from hotplate.run.store import listing

    notebook = str(Path(names[0]).absolute()) if names else None
    entries = listing.entries(store, notebook, limit, folded=folded)
    if as_json:
        _print_json({"store": str(store.folder), "runs": [summary_document(entry) for entry in entries]})
    elif not entries:
        print(f"no runs {'of ' + names[0] + ' ' if names else ''}were recorded in {store.folder}", file=sys.stderr)
    else:
        listing.print_list(console(sys.stdout), entries)
    return 0


def _show(store: RunStore, run: str, as_json: bool, *, events: bool) -> int:
    from hotplate.cli.runs import one

    record = store.find_run(run)
    happened = store.events(record.id) if events else ()
    if as_json:
        document = one.document(store, record)
        _print_json({**document, "events": [one.event_document(event) for event in happened]} if events else document)
    elif events:
        one.print_events(happened)
    else:
        one.print_one(console(sys.stdout), store, record)
    return 0


def _log(store: RunStore, run: str, cell: str, as_json: bool) -> int:
    from hotplate.cli.runs import logs

    record = store.find_run(run)
    if as_json:
        _print_json({"run": record.id, "cell": cell, "logs": logs.documents(store, record, cell)})
    else:
        logs.print_logs(store, record, cell)
    return 0


def _compare(store: RunStore, names: Sequence[str], as_json: bool) -> int:
    from hotplate.cli.runs import comparison

    compared = comparison.compare(store, *map(store.find_run, names))
    if as_json:
        _print_json(comparison.document(compared))
    else:
        comparison.print_comparison(console(sys.stdout), compared)
    return 0


def _delete(store: RunStore, names: Sequence[str], as_json: bool) -> int:
    """Removes runs, and the points of sweeps with them. What is named is looked up before anything goes."""
    found = {run.id: run for run in (store.find_run(name).summary for name in names)}
    for run in found.values():
        if run.parent is not None and run.parent not in found:
            raise StoreError(f"run {run.id} is a point of a sweep; delete that: hotplate runs --delete {run.parent}")
    deleted: list[str] = []
    for run in found.values():
        if run.parent is not None:
            continue  # it goes with its sweep
        points = tuple(store.children(run.id).states)
        store.delete(run.id)
        deleted += (run.id, *points)
        if not as_json:
            print(f"deleted run {run.id}" + (f" and its {len(points)} points" if points else ""))
    if as_json:
        _print_json({"deleted": deleted})
    return 0


def _print_json(document: Any) -> None:
    from hotplate.cli.reports import dumps

    print(dumps(document))
