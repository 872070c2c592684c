"""Runs of a notebook with lifecycles around its cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hotplate.run import Evaluation
from hotplate.run.lifecycles.registry import make_lifecycles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import hotplate
    from hotplate.run.lifecycles import Lifecycle


def run(
    notebook: hotplate.Notebook, *targets: str, lifecycles: Sequence[str | Lifecycle], **options: Any
) -> hotplate.Run:
    """Runs cells with these lifecycles around each attempt."""
    chosen = make_lifecycles(lifecycles)

    def surrounded(*arguments: Any, **_: Any) -> Evaluation:
        version, given, recorder, abort = arguments
        return Evaluation(version, given, notebook._state, notebook._backend, recorder, abort, lifecycles=chosen)

    notebook._evaluation = surrounded  # type: ignore[method-assign]
    return notebook.run(*targets, **options)
