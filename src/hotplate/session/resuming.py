"""How a recorded run goes on: what of it holds, and what it was asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.errors import SettingError, StoreError
from hotplate.run.memory import Mode, Resumed
from hotplate.run.sweep import Axis
from hotplate.session.order import Order, Policies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotplate.events import Sink
    from hotplate.execute import AbortHandle, Executor
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.store import RunRecord, RunStore, StoredValue
    from hotplate.session.notebook import Notebook


def resume_order(
    notebook: Notebook,
    store: RunStore,
    run: str,
    *,
    mode: str,
    again: bool,
    executor: str | Executor | None,
    jobs: int | None,
    keep_going: bool | None,
    attempts: Policies | None,
    lifecycles: Iterable[str | Lifecycle],
    given: Mapping[str, Any],
    on_event: Sink | Sequence[Sink],
    abort: AbortHandle | None,
) -> Order:
    """What a run that is resumed is to do. The run is claimed; everything that can be refused is refused before.

    Raises StoreError and SettingError.
    """
    chosen = _mode(mode)
    record = store.find_run(run)
    _refuse_other_notebook(notebook, record)
    if chosen is Mode.STRICT:
        _refuse_changes(notebook, record)
    axes = _axes_before(store, record, given)
    before, options = _given_before(store, record, given), record.options
    order = Order.make(
        record.summary.targets,
        {**before, **given},
        executor=executor or options.get("executor", "linear"),
        jobs=jobs or options.get("jobs"),
        on_crash=options.get("on_crash", "report"),
        output=options.get("output", "live"),
        on_event=on_event,
        lifecycles=lifecycles,
        keep_going=bool(options.get("keep_going")) if keep_going is None else keep_going,
        abort=abort,
        attempts=attempts,
        axes=axes,
    )
    record, recording = store.claim(record.id)
    return order.going_on(store, recording, Resumed(store, record, chosen, again=again))


def _mode(mode: str) -> Mode:
    try:
        return Mode(mode)
    except ValueError:
        raise SettingError(f"mode is {mode!r}; it can be {', '.join(map(repr, map(str, Mode)))}") from None


def _refuse_other_notebook(notebook: Notebook, record: RunRecord) -> None:
    if str(notebook.path) != record.summary.notebook:
        raise StoreError(f"run {record.id} is one of {record.summary.notebook}, not of {notebook.path}; open that file")


def _refuse_changes(notebook: Notebook, record: RunRecord) -> None:
    notebook.refresh()
    if notebook.model.text != record.text:
        raise StoreError(
            f"{notebook.path.name} has changed since run {record.id} began; resume it without strict, which takes over "
            "what still holds, or start a new run"
        )


def _axes_before(store: RunStore, record: RunRecord, given: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of a sweep; none of any other run."""
    axes = record.summary.point if record.summary.parent is None else {}
    for name in axes:
        if name in given:
            raise SettingError(
                f"run {record.id} sweeps {name}, so it can't be given one value; start a new run for that"
            )
    return tuple(Axis(name, tuple(_loaded(store, record, name, stored))) for name, stored in axes.items())


def _given_before(store: RunStore, record: RunRecord, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the run was given, but for what is given anew."""
    found = {}
    for name, stored in record.given.items():
        if name in given:
            continue
        found[name] = _loaded(store, record, name, stored)
    return found


def _loaded(store: RunStore, record: RunRecord, name: str, stored: StoredValue) -> Any:
    loaded = store.load(stored)
    if loaded is None:
        why = stored.problem or "its file is gone or damaged"
        raise StoreError(f"the value of {name} was not kept for run {record.id} ({why}); give it again")
    return loaded.value
