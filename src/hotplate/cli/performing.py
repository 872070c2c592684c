"""One run as a command makes it: shown while it goes on and when it is over, recorded, its results saved."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hotplate.cli.common import console, divert_stdout
from hotplate.cli.interrupts import interruptible
from hotplate.errors import HotplateError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hotplate.cli.recording import Records
    from hotplate.events import Event, Sink
    from hotplate.run import Run
    from hotplate.run.store import RunStore
    from hotplate.run.sweep import SweepRun
    from hotplate.session import Notebook

    Start = Callable[[RunStore | None, Sequence[Sink]], Run | SweepRun]

_TABLES = (".npz", ".csv", ".feather", ".arrow")


@dataclass(frozen=True, slots=True)
class Performance:
    """What surrounds a run. Its `run` shows the results that there are however it ends, and returns the exit code."""

    notebook: Notebook
    records: Records
    save: Path | None
    as_json: bool
    points: Callable[[Event], str] = lambda _event: ""
    """See `LiveProgress`."""

    def run(self, start: Start) -> int:
        """Makes the run that `start` makes, which is given where to record it and what to tell of events."""
        interruptible()
        restore_stdout = divert_stdout() if self.as_json else lambda: None
        try:
            result = self._watched(start)
        except KeyboardInterrupt as interrupt:
            restore_stdout()
            self._end(getattr(interrupt, "run", None) or self.notebook.last_run, over=False)
            raise
        except HotplateError as error:
            restore_stdout()
            failed = getattr(error, "run", None)
            if failed is None:
                raise
            self._end(failed, over=False, error=error)
            return error.exit_code
        restore_stdout()
        # A run that comes back has all that it should have; a sweep may have gaps.
        complete = result is self.notebook.last_run or result.ok
        self._end(result, over=complete)
        return 0 if complete else 1

    def _watched(self, start: Start) -> Run | SweepRun:
        if not sys.stderr.isatty():
            return self.records.around(start)
        from hotplate.cli.above import Above
        from hotplate.cli.display import LiveProgress

        drawn = console(sys.stderr)
        above = Above(drawn, [descriptor for descriptor in (1, 2) if os.isatty(descriptor)])
        with LiveProgress(drawn, self.notebook.progress, self.points, above) as live:
            return self.records.around(lambda store, sinks: start(store, (*sinks, live)))

    def _end(self, result: Run | SweepRun | None, *, over: bool, error: HotplateError | None = None) -> None:
        if result is not None:
            self._show(result, self._saved(result))
        if error is not None:
            print(f"hotplate: {error}", file=sys.stderr)
        self.records.tell(result, over=over)

    def _saved(self, result: Run | SweepRun) -> str | None:
        if self.save is None:
            return None
        written = result.save(self.save)
        if left_out := getattr(written, "left_out", ()):
            print(f"hotplate: {self.save} can't hold {', '.join(left_out)}; an .npz can hold arrays", file=sys.stderr)
        return str(self.save)

    def _show(self, result: Run | SweepRun, saved: str | None) -> None:
        from hotplate.cli import reports
        from hotplate.run import Run

        path, recorded = str(self.notebook.path), self.records.holds(result)
        if not isinstance(result, Run):
            if self.as_json:
                from hotplate.cli import sweeps

                print(reports.dumps(sweeps.document(path, result, saved, recorded=recorded)))
                return
            from hotplate.run.sweep.picture import print_points  # 17 ms, for sweeps alone

            drawn = console(sys.stdout)
            way = "" if saved else "--save OUT.csv writes them all"
            print_points(drawn, result, whole=not drawn.is_terminal, way=way)
        elif self.as_json:
            print(reports.dumps(reports.run_document(path, result, saved, recorded=recorded)))
            return
        else:
            from hotplate.run.picture import print_run

            print_run(console(sys.stdout), result)
        if saved:
            print(f"saved {saved}")


def refuse_target(save: Path | None, sources: Iterable[str | Path], *, table: bool = False) -> None:
    """Refuses a file for --save that can't be written, or that would be lost. A sweep's `table` has more forms."""
    if save is None:
        return
    forms = _TABLES if table else _TABLES[:1]
    if save.suffix not in forms:
        known = f"a {', '.join(forms[:-1])} or {forms[-1]} file" if table else "an .npz file"
        raise SettingError(f"can't write {save}: results go to {known}; name it {save.stem or 'results'}.npz")
    if not save.absolute().parent.is_dir():
        raise SettingError(f"can't write {save}: there is no folder {save.absolute().parent}")
    if any(save.absolute() == Path(source).absolute() for source in sources):
        raise SettingError(f"can't write {save}: the run reads it; choose another name")
