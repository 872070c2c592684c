"""Benchmarks of a notebook's cells: times with their spread, and versions against each other with a verdict.

`Bench` puts it together: versions (revisions, compilers, flags), inputs that all are given, results that have to be the
same, rounds in which the versions take turns, and the statistics of that. Printing is the command line's.
"""

from hotplate.bench.bench import Bench
from hotplate.bench.plan import QUICK, Settings
from hotplate.bench.report import Case, Comparison, Report, Timing, Work
from hotplate.bench.statistics import Interval, Spread, Verdict

__all__ = [
    "QUICK",
    "Bench",
    "Case",
    "Comparison",
    "Interval",
    "Report",
    "Settings",
    "Spread",
    "Timing",
    "Verdict",
    "Work",
]
