"""`hotplate bench`."""

from __future__ import annotations

import faulthandler
import math
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import hotplate
from hotplate.cli.common import (
    cells_argument,
    console,
    divert_stdout,
    file_argument,
    given_values,
    input_option,
    literal,
    text_names,
    words,
)
from hotplate.cli.interrupts import interruptible
from hotplate.errors import InputError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.bench import Bench, Report, Settings
    from hotplate.session import Notebook


class Percentage(click.ParamType[float]):
    """`5%` or `0.5 %`: a part of the time. The sign is asked for, for 0.05 could be meant as either."""

    name = "percentage"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The part, 0.05 for 5 %."""
        if isinstance(value, float):
            return value
        number, sign, rest = str(value).strip().partition("%")
        try:
            part = float(number) / 100 if sign and not rest else math.nan
        except ValueError:
            part = math.nan
        if not math.isfinite(part) or part < 0:
            self.fail(f"{value!r} is no percentage; write it as 5%", param, ctx)
        return part


@click.command()
@file_argument
@cells_argument
@click.option("--against", multiple=True, metavar="REVISION", help="Compare with the file at this revision (git).")
@click.option("--flags", multiple=True, metavar="WORDS", help="Compiler arguments; several times: compared.")
@click.option("--compiler", "compilers", multiple=True, metavar="NAME", help="Several times: compared.")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUES", help="An input; 1,2,4 or START:STOP:STEP.")
@input_option
@click.option("--seconds", type=float, metavar="S", help="The most for one cell and size (5).")
@click.option("--quick", is_flag=True, help="At most a second each, and wider intervals.")
@click.option("--margin", type=Percentage(), default="2%", metavar="P%", help="Differences below this are none (2%).")
@click.option("--rtol", type=float, metavar="X", help="How far floating-point results may differ (not in a bit).")
@click.option("--allow-different", is_flag=True, help="Time versions whose results differ, too.")
@click.option("--fail-slower", type=Percentage(), metavar="P%", help="Exit with 1 when surely slower by more.")
@click.option("--remarks", is_flag=True, help="What the compiler says about vectorising the cells' loops.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Times over a size, as .png or .svg.")
@click.option("--json", "json_file", metavar="FILE", help="For pytest-benchmark compare; - is stdout.")
@click.option("--seed", type=int, default=0, metavar="N", help="Of the order in which versions take turns (0).")
def bench(
    file: Path,
    cells: Sequence[str],
    against: Sequence[str],
    flags: Sequence[str],
    compilers: Sequence[str],
    assignments: Sequence[str],
    arrays: Sequence[str],
    fail_slower: float | None,
    remarks: bool,
    plot: Path | None,
    json_file: str | None,
    **how: Any,
) -> int:
    """Times cells, and compares revisions, compilers and flags.

    Without CELL all cells are timed. What a cell needs is computed once and given to all versions of it.
    """
    from hotplate.bench import Bench

    _refuse_files(json_file, plot)
    if fail_slower is not None and not against and len(compilers) < 2 and len(flags) < 2:
        raise SettingError("--fail-slower has nothing to compare with; give --against REVISION, or flags several times")
    notebook = hotplate.open(file)
    given, axes = _values(notebook, assignments, arrays)
    if plot is not None and not axes:
        raise SettingError("--plot draws times over a size; give one several values, as in --set n=100,1000,10000")
    line = _Line()
    made = Bench(
        file,
        cells,
        against=against,
        compilers=compilers or (None,),
        flags=[words(it) for it in flags] or [[]],
        given=given,
        axes=axes,
        settings=_settings(**how),
        remarks=remarks,
        tell=line.tell,
        keep=partial(_write, json_file=json_file) if json_file not in (None, "-") else lambda _: None,
    )
    report = _perform(made, line, json_file, plot)
    if fail_slower is not None and report.ok and not any(case.comparisons for case in report.cases):
        raise SettingError("--fail-slower: nothing was compared; the notes above say why")
    return 1 if not report.ok or (fail_slower is not None and report.slower(fail_slower)) else 0


def _refuse_files(json_file: str | None, plot: Path | None) -> None:
    """Raises SettingError for files that can't be written, before anything is measured."""
    if plot is not None:
        from hotplate.bench.plot import refuse_plot

        refuse_plot(plot)
    if json_file is None or json_file == "-":
        return
    target = Path(json_file).absolute()
    if target.is_dir():
        raise SettingError(f"can't write {json_file!r}: it is a folder; name a file in it")
    if not target.parent.is_dir():
        raise SettingError(f"can't write {json_file}: there is no folder {target.parent}")


def _settings(*, seconds: float | None, quick: bool, **others: Any) -> Settings:
    from hotplate.bench import QUICK, Settings

    chosen: dict[str, Any] = {**(QUICK if quick else {}), **({} if seconds is None else {"seconds": seconds})}
    return Settings(**chosen, **others)


def _values(
    notebook: Notebook, assignments: Sequence[str], arrays: Sequence[str]
) -> tuple[dict[str, Any], dict[str, tuple[Any, ...]]]:
    """What --set and --input give: single values, and those that are swept. Raises InputError."""
    from hotplate.run.sweep import parse_axis

    texts = text_names(notebook)
    given = given_values(notebook, [it for it in assignments if it.partition("=")[0] in texts], arrays)
    axes: dict[str, tuple[Any, ...]] = {}
    for assignment in assignments:
        if assignment.partition("=")[0] in texts:
            continue
        axis = parse_axis(assignment, literal, "--set")
        if axis.name in given or axis.name in axes:
            raise InputError(f"{axis.name} is given twice; put all its values into one: --set {axis.name}=1,2,3")
        if len(axis) > 1:
            axes[axis.name] = axis.values
        else:
            given[axis.name] = axis.values[0]
    return given, axes


def _perform(made: Bench, line: _Line, json_file: str | None, plot: Path | None) -> Report:
    """Runs a benchmark, and shows what there is however it ends."""
    if sys.__stderr__ is not None and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)  # a crash in this process is told, at least
    interruptible()
    restore = divert_stdout()
    try:
        with line:
            made.run()
    except BaseException:
        restore()
        with suppress(SettingError):  # too little to be drawn; why it ended is what has to be told
            _show(made.report, json_file, plot)
        raise
    restore()
    _show(made.report, json_file, plot)
    return made.report


def _show(report: Report, json_file: str | None, plot: Path | None) -> None:
    from hotplate.cli.bench_tables import print_report

    if not report.cases and not report.notes:  # it ended before anything was known
        return
    print_report(console(sys.stderr if json_file == "-" else sys.stdout), report)
    if json_file is not None:
        _write(report, json_file)
    if plot is not None:
        from hotplate.bench.plot import draw

        draw(report, plot)


def _write(report: Report, json_file: str) -> None:
    from hotplate.bench.pytest_format import document
    from hotplate.cli.reports import dumps

    text = dumps(document(report))
    if json_file == "-":
        print(text)
    else:
        Path(json_file).write_text(f"{text}\n", encoding="utf-8")


class _Line:
    """A line in the terminal that says what goes on; elsewhere one after another, so that a crash has one before it.

    It is drawn when there is something new. A spinner would be drawn by a thread, which is one more that takes time.
    """

    def __init__(self) -> None:
        from rich.live import Live

        drawn = sys.stderr.isatty()
        self._live = Live(console=console(sys.stderr), auto_refresh=False, transient=True) if drawn else None

    def tell(self, text: str) -> None:
        """Shows another text."""
        if self._live is not None:
            self._live.update(text, refresh=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> None:
        if self._live is not None:
            self._live.start()

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
