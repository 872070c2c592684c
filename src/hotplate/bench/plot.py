"""Times over a size, drawn with matplotlib."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotplate.bench.report import Report, Timing

__all__ = ["draw", "refuse_plot"]

_FORMS = (".png", ".svg", ".pdf")
_DECADE = 10


def refuse_plot(path: Path) -> None:
    """Raises SettingError for a file that can't be drawn, before anything is measured."""
    if path.suffix not in _FORMS:
        raise SettingError(f"can't draw {path}: plots are {', '.join(_FORMS)}; name it {path.stem or 'plot'}.svg")
    if not path.absolute().parent.is_dir():
        raise SettingError(f"can't draw {path}: there is no folder {path.absolute().parent}")
    if importlib.util.find_spec("matplotlib") is None:
        raise SettingError("--plot takes matplotlib; pip install 'hotplate[bench]'")


def draw(report: Report, path: Path) -> None:
    """Draws a line for each cell and version: medians over the first swept number, and a band between the quartiles.

    Further swept names tell lines apart. Axes are logarithmic where they span more than a decade.
    Raises SettingError when there is nothing to draw.
    """
    lines = dict(_lines(report))
    if not lines:
        raise SettingError(f"can't draw {path}: no cell was timed with several numbers of one size")
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # not pyplot, which would look for a screen
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    for label, points in lines.items():
        _draw_line(axes, label, points)
    sizes = [size for points in lines.values() for size, _ in points]
    times = [timing.spread.median for points in lines.values() for _, timing in points]
    axes.set_xscale("log" if _spans(sizes) else "linear")
    axes.set_yscale("log" if _spans(times) else "linear")
    axes.set_xlabel(_size_name(report))
    axes.set_ylabel("time of a call, median and quartiles")
    axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
    axes.yaxis.set_minor_formatter(EngFormatter(unit="s"))
    axes.set_title(Path(report.notebook).name)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def _draw_line(axes: Any, label: str, points: Sequence[tuple[float, Timing]]) -> None:
    sizes = [size for size, _ in points]
    spreads = [timing.spread for _, timing in points]
    (line,) = axes.plot(sizes, [it.median for it in spreads], marker="o", label=label)
    low, high = [it.low for it in spreads], [it.high for it in spreads]
    axes.fill_between(sizes, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def _lines(report: Report) -> Iterator[tuple[str, list[tuple[float, Timing]]]]:
    size = _size_name(report)
    found: dict[str, list[tuple[float, Timing]]] = {}
    for case in report.cases:
        value = case.point.get(size)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        rest = [f"{name}={other}" for name, other in case.point.items() if name != size]
        for timing in case.timings:
            label = ", ".join([case.cell, *rest, *([timing.version] if timing.version else [])])
            found.setdefault(label, []).append((value, timing))
    for label, points in found.items():
        if len(points) > 1:
            yield label, sorted(points, key=lambda point: point[0])


def _size_name(report: Report) -> str:
    """The first swept name whose values are numbers."""
    for case in report.cases:
        for name, value in case.point.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                return name
    return ""


def _spans(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > _DECADE
