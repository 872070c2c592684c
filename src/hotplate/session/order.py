"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

from hotplate.errors import InputError, SettingError
from hotplate.execute import AbortHandle, make_executor
from hotplate.notebook import suggest
from hotplate.run.attempts import AttemptPolicy
from hotplate.run.lifecycles.registry import make_lifecycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.events import Sink
    from hotplate.execute import Executor
    from hotplate.run.lifecycles import Lifecycle
    from hotplate.run.memory import Memory
    from hotplate.run.store import RunStore
    from hotplate.run.sweep import Axis
    from hotplate.session.resuming import Resumption

Policies = AttemptPolicy | Mapping[str, AttemptPolicy]
_ON_CRASH = ("report", "diagnose")
_OUTPUT = ("live", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run, as somebody wants it. `make` reads what users write."""

    targets: tuple[str, ...]
    given: Mapping[str, Any]
    executor: Executor
    sinks: tuple[Sink, ...] = ()
    abort: AbortHandle | None = None
    fresh: bool = False
    keep_going: bool = False
    diagnoses: bool = False
    echoes: bool = True
    """Whether what isolated cells print goes on to the session's own streams."""
    attempts: Policies | None = None
    lifecycles: tuple[Lifecycle, ...] = ()
    store: RunStore | None = None
    """Where it is recorded."""
    resumption: Resumption | None = None
    """That of a run that goes on."""
    memory: Memory | None = None
    axes: tuple[Axis, ...] = ()
    """Those of a sweep."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What a resumed run has to know of this, in JSON's types."""

    def __post_init__(self) -> None:
        for target in self.targets:
            if not isinstance(target, str):
                raise InputError(f"{target!r} is no cell; give cells by their names, and values by name (dt=1e-4)")

    @classmethod
    def make(
        cls,
        targets: Sequence[str],
        given: Mapping[str, Any],
        *,
        executor: str | Executor,
        jobs: int | None,
        on_crash: str,
        output: str,
        on_event: Sink | Sequence[Sink],
        lifecycles: Lifecycle | Iterable[str | Lifecycle],
        keep_going: bool,
        reuse: bool = False,
        abort: AbortHandle | None = None,
        **rest: Any,
    ) -> Order:
        """Raises SettingError for what makes no sense, and InputError for targets that are no names."""
        _refuse_other("on_crash", on_crash, _ON_CRASH)
        _refuse_other("output", output, _OUTPUT)
        if abort is not None and not isinstance(abort, AbortHandle):
            raise SettingError(
                f"abort is {abort!r}; it is an AbortHandle of hotplate.execute, whose `abort` stops the run"
            )
        chosen = executor_of(executor, jobs)
        options = {"jobs": jobs, "on_crash": on_crash, "output": output, "keep_going": keep_going, "reuse": reuse}
        return cls(
            targets=tuple(targets),
            given=given,
            executor=chosen,
            sinks=sinks_of(on_event),
            keep_going=keep_going,
            diagnoses=on_crash == "diagnose",
            echoes=output == "live",
            lifecycles=make_lifecycles(lifecycles),
            abort=abort,
            options={"executor": chosen.name, **options},
            **rest,
        )

    def going_on(self, store: RunStore, resumption: Resumption) -> Order:
        """The same for a run that was recorded before."""
        return replace(self, store=store, resumption=resumption)

    @property
    def recalls(self) -> Memory | None:
        """Where it looks for results; of a run that goes on, once that is claimed."""
        return self.memory if self.resumption is None else self.resumption.memory

    @property
    def values(self) -> Mapping[str, Any]:
        """What there is a value for: what is given, and of each axis the first value."""
        return {**self.given, **{axis.name: axis.values[0] for axis in self.axes}}

    def policies(self, cells: Mapping[str, str]) -> Mapping[str, AttemptPolicy]:
        """How cells are tried that are tried in another way than their sections say, by the names that the run has.

        `cells` has the cell for each of those names.
        """
        if self.attempts is None:
            return {}
        if isinstance(self.attempts, AttemptPolicy):
            return dict.fromkeys(cells, self.attempts)
        if not isinstance(self.attempts, Mapping):
            raise SettingError(f"attempts is {self.attempts!r}; it is an AttemptPolicy, or one for each of some cells")
        known = set(cells.values())
        for name, policy in self.attempts.items():
            if name not in known:
                raise InputError(f"attempts: this run has no cell {name}; {suggest(name, known)}")
            if not isinstance(policy, AttemptPolicy):
                raise SettingError(f"attempts: {name} is to be tried as {policy!r}; give an AttemptPolicy")
        return {name: self.attempts[cell] for name, cell in cells.items() if cell in self.attempts}


def executor_of(executor: str | Executor, jobs: int | None) -> Executor:
    """The executor that was chosen. Raises SettingError; `jobs` must be a count, also where it caps nothing."""
    if jobs is not None and (not isinstance(jobs, Integral) or isinstance(jobs, bool) or jobs < 1):
        raise SettingError(f"jobs is {jobs!r}; it is how many cells may run at once, 1 or more, or None for all cores")
    return make_executor(executor, jobs)


def values_of(inputs: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    """What was given by name and in `inputs`. Raises InputError where that has no names."""
    if inputs is None:
        return dict(named)
    if not isinstance(inputs, Mapping) or not all(isinstance(name, str) for name in inputs):
        raise InputError(f"inputs is {inputs!r}; it has values by name, such as inputs={{'dt': 1e-4}}")
    return {**inputs, **named}


def sinks_of(on_event: Sink | Sequence[Sink]) -> tuple[Sink, ...]:
    """The functions that are told of events. Raises SettingError for what is none."""
    if callable(on_event):
        return (on_event,)
    several = tuple(on_event) if isinstance(on_event, Iterable) else (on_event,)
    for one in several:
        if not callable(one):
            raise SettingError(f"on_event is {on_event!r}; it is a function that takes an event, or several of them")
    return several


def _refuse_other(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingError(f"{name} is {value!r}; it can be {' or '.join(map(repr, known))}")
