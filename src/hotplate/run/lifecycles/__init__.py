"""What surrounds each attempt at a cell: setups in order, the call, teardowns in reverse.

How often a cell is tried is `attempts`' business, where the call runs the backend's. Lifecycles of other distributions
are written against what is in `lifecycle` and `context`.
"""

from hotplate.run.lifecycles.context import CellContext
from hotplate.run.lifecycles.evaluator import Evaluator
from hotplate.run.lifecycles.lifecycle import API_VERSION, Lifecycle, Skip

__all__ = ["API_VERSION", "CellContext", "Evaluator", "Lifecycle", "Skip"]
