"""The machine that is measured on, and what about it makes times unsteady."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Machine", "read_machine"]

_BUSY = 0.5
"""Processes that want to run, for each processor, above which the machine counts as busy."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found. Facts that the system does not tell are "" or 0."""

    processor: str
    processors: int
    system: str
    governor: str
    """How Linux chooses the frequency: `performance`, `powersave`, ..."""
    turbo: str
    """"on", "off", or "" where nobody says."""
    load: float
    """How many processes wanted to run, over the last minute."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What about it widens intervals, one sentence each."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.load > _BUSY * self.processors:
            yield f"{self.load:.1f} processes wanted to run on {self.processors} processors: intervals are wider"
        if self.governor and self.governor != "performance":
            yield f"the frequency follows the load (governor {self.governor}): times of short cells depend on it"
        if self.turbo == "on":
            yield "turbo is on: times depend on how warm the processor is, ratios hardly"


def read_machine(root: Path = Path("/")) -> Machine:
    """Looks at this machine; `root` is where its /proc and /sys are."""
    cpu = root / "sys/devices/system/cpu"
    return Machine(
        processor=_model(root / "proc/cpuinfo") or platform.processor() or platform.machine(),
        processors=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        governor=_first_line(cpu / "cpu0/cpufreq/scaling_governor"),
        turbo=_turbo(cpu),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
    )


def _model(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))), "")


def _turbo(cpu: Path) -> str:
    """Intel says whether turbo is off, the others whether it is on."""
    if off := _first_line(cpu / "intel_pstate/no_turbo"):
        return "off" if off == "1" else "on"
    boost = _first_line(cpu / "cpufreq/boost")
    return {"1": "on", "0": "off"}.get(boost, "")


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").partition("\n")[0].strip()
    except OSError:
        return ""
