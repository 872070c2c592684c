"""Sweeps: the same cells for many values, laid out as one graph that shares what the values do not change.

Here: reading the axes, laying out the graph, the table of results and the files it is written to. All but the files is
pure. Running the graph is what runs any other graph.
"""

from hotplate.run.sweep.axes import MOST_POINTS, Axis, axes_of, parse_axis
from hotplate.run.sweep.expansion import Points, Releases, Sweep, expand
from hotplate.run.sweep.files import Written
from hotplate.run.sweep.run import PointStates, SweepRun
from hotplate.run.sweep.table import Column, SweepTable

__all__ = [
    "MOST_POINTS",
    "Axis",
    "Column",
    "PointStates",
    "Points",
    "Releases",
    "Sweep",
    "SweepRun",
    "SweepTable",
    "Written",
    "axes_of",
    "expand",
    "parse_axis",
]
