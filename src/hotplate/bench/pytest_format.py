"""A report as pytest-benchmark writes its own (`--benchmark-json`), so that its `compare` reads it."""

from __future__ import annotations

import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hotplate.bench.report import Case, Report, Timing

__all__ = ["document"]

_VERSION = "5.1.0"
"""The version of pytest-benchmark whose form this is; later ones read it as well."""


def document(report: Report, now: datetime | None = None) -> dict[str, Any]:
    """The document. Each version of each cell and size is a benchmark; what has no field there is in `extra_info`."""
    when = now or datetime.now(UTC)
    return {
        "machine_info": _machine(report),
        "commit_info": {"id": "unversioned", "time": None, "author_time": None, "dirty": False, "branch": "(unknown)"},
        "benchmarks": [_benchmark(report, case, timing) for case in report.cases for timing in case.timings],
        "datetime": when.isoformat(),
        "version": _VERSION,
    }


def _machine(report: Report) -> dict[str, Any]:
    machine = report.machine
    return {
        "node": platform.node(),
        "processor": platform.processor(),
        "machine": platform.machine(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "release": platform.release(),
        "system": platform.system(),
        "cpu": {"brand_raw": machine.processor, "count": machine.processors, "arch": platform.machine()},
    }


def _benchmark(report: Report, case: Case, timing: Timing) -> dict[str, Any]:
    params = {**case.point, **({"version": timing.version} if timing.version else {})}
    shown = "-".join(str(value) for value in params.values())
    name = f"{case.cell}[{shown}]" if params else case.cell
    return {
        "group": case.name if len(case.timings) > 1 else None,
        "name": name,
        "fullname": f"{Path(report.notebook).name}::{name}",
        "params": {key: value if isinstance(value, int | float | str) else str(value) for key, value in params.items()}
        or None,
        "param": shown or None,
        "extra_info": _extra(case, timing),
        "options": {
            "disable_gc": True,
            "timer": timing.clock,
            "min_rounds": timing.spread.count,
            "max_time": 0.0,
            "min_time": 0.0,
            "warmup": True,
        },
        "stats": _statistics(timing.samples, timing.inner),
    }


def _extra(case: Case, timing: Timing) -> dict[str, Any]:
    found: dict[str, Any] = {
        "compiler": timing.compiler,
        "unit_key": timing.unit_key,
        "gflops": timing.gflops,
        "gbytes": timing.gbytes,
        "instructions": timing.counts.instructions if timing.counts else None,
        "cache_misses": timing.counts.cache_misses if timing.counts else None,
    }
    compared = [
        {
            "baseline": made.baseline,
            "verdict": str(made.verdict),
            "ratio": made.interval.ratio,
            "low": made.interval.low,
            "high": made.interval.high,
            "blocks": made.blocks,
        }
        for made in case.comparisons
        if made.version == timing.version
    ]
    return {key: value for key, value in {**found, "comparisons": compared}.items() if value not in (None, [])}


def _statistics(samples: Sequence[float], inner: int) -> dict[str, Any]:
    """The fields as pytest-benchmark computes them; its `compare` has columns for all, means among them."""
    mean, stddev = statistics.fmean(samples), statistics.stdev(samples) if len(samples) > 1 else 0.0
    q1, median, q3 = (float(it) for it in np.quantile(samples, [0.25, 0.5, 0.75]))
    iqr = q3 - q1
    inside = [it for it in samples if q1 - 1.5 * iqr <= it <= q3 + 1.5 * iqr]
    beyond = sum(abs(it - mean) > stddev for it in samples)
    outliers = len(samples) - len(inside)
    return {
        "min": min(samples),
        "max": max(samples),
        "mean": mean,
        "stddev": stddev,
        "rounds": len(samples),
        "median": median,
        "iqr": iqr,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": outliers,
        "stddev_outliers": beyond,
        "outliers": f"{beyond};{outliers}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1 / mean,
        "total": sum(samples),
        "data": list(samples),
        "iterations": inner,
    }
