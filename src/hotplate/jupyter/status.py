"""CellState: how a cell stands, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellState:
    """How a cell stands. A snapshot; `str` of it is one line."""

    status: str
    """That of its latest run: `ok`, `kept`, `given`, `failed`, `crashed`, `timed_out`, `cancelled`, `skipped`; else
    `waiting` for inputs, `built` when it has not run, or `gone`."""
    version: int = 0
    """The version of the notebook that its value is from; 0: it has none."""
    mark: str = ""
    """Why the value is not what the newest code and inputs give; "" when it is."""
    place: str = ""
    """The Jupyter cell or the file that it comes from."""
    seconds: float = 0.0
    """What the run took that computed the value."""
    missing: tuple[str, ...] = ()
    """The inputs that it waits for."""

    @property
    def stale(self) -> bool:
        """Whether the value is an older one."""
        return bool(self.mark)

    def __str__(self) -> str:
        version = f"v{self.version}" if self.version else ""
        words = f"waits for {', '.join(self.missing)}" if self.missing else self.status
        return ", ".join(filter(None, (words, version, self.place, self.mark)))
