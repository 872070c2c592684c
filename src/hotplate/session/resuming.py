"""How a recorded run goes on: what of it holds, and what it was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate import notebook as notation
from hotplate.errors import SettingError, StoreError
from hotplate.execute import OutcomeKind
from hotplate.run.memory import FORGIVEN, Mode, Resumed
from hotplate.run.store.rows import plain
from hotplate.run.sweep import Axis
from hotplate.session.forgiving import forgiven_attempts
from hotplate.session.order import Order, Policies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from hotplate.events import Sink
    from hotplate.execute import AbortHandle, Executor
    from hotplate.run import Run
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.store import Recording, RunDescription, RunRecord, RunStore, StoredValue
    from hotplate.run.sweep import SweepRun
    from hotplate.session.contents import Contents
    from hotplate.session.layout import Layout

    Keys = Callable[[Collection[str]], Mapping[str, str | None]]
    """What the code of cells is, as records have it, by name."""


def resume_order(
    contents: Contents,
    store: RunStore,
    run: str | Run | SweepRun,
    *,
    mode: str,
    again: bool,
    executor: str | Executor | None,
    jobs: int | None,
    keep_going: bool | None,
    attempts: Policies | None,
    lifecycles: Lifecycle | Iterable[str | Lifecycle],
    given: Mapping[str, Any],
    on_event: Sink | Sequence[Sink],
    abort: AbortHandle | None,
) -> Order:
    """What a run that is resumed is to do. It is claimed when the file has been read, by the order's resumption.

    Raises StoreError, NotebookError and SettingError.
    """
    chosen = _mode(mode)
    record = store.find_run(_name(run))
    refuse_done(record)
    contents.file.refresh()
    _refuse_other_notebook(contents, record)
    if chosen is Mode.STRICT:
        _refuse_changes(contents, record)
    axes = _axes_before(store, record, given)
    before, options = _given_before(contents, store, record, given), record.options
    order = Order.make(
        record.summary.targets,
        {**before, **given},
        executor=executor or options.get("executor", "linear"),
        jobs=jobs or options.get("jobs"),
        on_crash=options.get("on_crash", "report"),
        output=options.get("output", "live"),
        reuse=bool(options.get("reuse")),
        on_event=on_event,
        lifecycles=lifecycles,
        keep_going=bool(options.get("keep_going")) if keep_going is None else keep_going,
        abort=abort,
        attempts=attempts,
        axes=axes,
    )
    return order.going_on(store, Resumption(store, record, chosen, given, again))


@dataclass(slots=True)
class Resumption:
    """A recorded run that is to go on."""

    store: RunStore
    record: RunRecord
    mode: Mode
    given: Mapping[str, Any]
    """The values that are given anew."""
    again: bool
    recording: Recording | None = None
    """Once it is claimed."""
    memory: Resumed | None = None

    def claim(self, description: RunDescription, layout: Layout, contents: Contents, keys: Keys) -> Recording:
        """Makes the run this process's, and one of the file as it is; all that can be refused is refused before.

        Raises StoreError, and what `keys` raises.
        """
        if self.mode is Mode.STRICT:
            _refuse_other_code(contents, self.record, layout, keys)
        forgiven = forgiven_attempts(contents, self.store, self.record, layout, self.given, again=self.again)
        options = {**description.options, **({FORGIVEN: forgiven} if forgiven else {})}
        described = replace(description, id=self.record.id, options=options)
        record, self.recording = self.store.claim(self.record.id)
        self.recording.revise(described, layout.graph.order)
        self.recording.flush()  # else a cell that ends the process at once takes along what was given and forgiven
        self.memory = Resumed(self.store, record, self.mode, forgiven, reuses=bool(record.options.get("reuse")))
        return self.recording

    def give_up(self, error: BaseException) -> None:
        """Ends the recording, unless it has ended."""
        if self.recording is not None:
            self.recording.end_early(error)


def _name(run: object) -> str:
    """What somebody who wants to resume a run calls it."""
    name = run if isinstance(run, str) else getattr(run, "id", None)
    if not isinstance(name, str):
        raise SettingError(f"there is no resuming {run!r}; give a recorded run, or the beginning of its id")
    return name


def _mode(mode: str) -> Mode:
    try:
        return Mode(mode)
    except ValueError:
        raise SettingError(f"mode is {mode!r}; it can be {', '.join(map(repr, map(str, Mode)))}") from None


def refuse_done(record: RunRecord) -> None:
    """Raises StoreError for a run that has all its results, before anything else that may be in the way."""
    if record.summary.state == "done":
        raise StoreError(f"run {record.id} is done, so there is nothing to resume; run the notebook anew")


def _refuse_other_notebook(contents: Contents, record: RunRecord) -> None:
    """It may be elsewhere than it was, if it has been moved: nothing is where it was, and it has all cells of then."""
    before = record.summary.notebook
    if plain(str(contents.path)) == before:
        return
    if Path(before).exists():
        raise StoreError(f"run {record.id} is one of {before}, not of {contents.path}; open that file")
    if gone := notation.parse(Path(before), record.text).cells.keys() - contents.model.cells.keys():
        raise StoreError(
            f"run {record.id} is one of {before}, which is not there any more, and {contents.path} lacks "
            f"{', '.join(sorted(gone))} of it; open the file that it was moved to"
        )


def _refuse_changes(contents: Contents, record: RunRecord) -> None:
    if contents.model.text != record.text:
        raise StoreError(
            f"{contents.path.name} has changed since run {record.id} began; resume it without strict, which takes over "
            "what still holds, or start a new run"
        )


def _refuse_other_code(contents: Contents, record: RunRecord, layout: Layout, keys: Keys) -> None:
    """A header may have changed, or the compiler."""
    done = {
        name: cell for name, cell in record.results.items() if name in layout.cells and cell.status == OutcomeKind.OK
    }
    now = keys({layout.cells[name] for name in done})
    for name, cell in done.items():
        key = now.get(layout.cells[name], cell.key)  # what can't be built is told of by the build
        if key is None or key != cell.key:
            why = _OTHER_CODE if key is not None else _NOBODY_KNOWS
            raise StoreError(
                f"{name} in {contents.path.name} {why.format(run=record.id)}; resume it without strict, which takes "
                "over what still holds, or start a new run"
            )


_OTHER_CODE = "is not the same code that run {run} ran: a header, the compiler or its options have changed"
_NOBODY_KNOWS = "refers to what no process can tell of another, so nobody knows whether it is what run {run} ran"


def _axes_before(store: RunStore, record: RunRecord, given: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of a sweep; none of any other run."""
    axes = record.summary.point if record.summary.parent is None else {}
    for name in axes:
        if name in given:
            raise SettingError(
                f"run {record.id} sweeps {name}, so it can't be given one value; start a new run for that"
            )
    return tuple(Axis(name, tuple(_loaded(store, record, name, stored))) for name, stored in axes.items())


def _given_before(contents: Contents, store: RunStore, record: RunRecord, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was given, but for what is given anew, and for what an edit has left nobody to ask for."""
    asked = contents.graph.nodes.keys() | contents.graph.inputs.keys()
    names = [name for name in record.given if name in asked and name not in given]
    return {name: _loaded(store, record, name, record.given[name]) for name in names}


def _loaded(store: RunStore, record: RunRecord, name: str, stored: StoredValue) -> Any:
    loaded = store.load(stored)
    if loaded is None:
        why = stored.problem or "its file is gone or damaged"
        raise StoreError(f"the value of {name} was not kept for run {record.id} ({why}); give it again")
    return loaded.value
