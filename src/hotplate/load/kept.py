"""How many libraries a process may keep that it no longer uses, and what is said when there are more."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hotplate.load.unloading import Obstacle

SETTING = "HOTPLATE_KEPT_LIBRARIES"
_VERSIONS, _BYTES = 200, 256 << 20  # far below where the system ends a process: 13,000 versions fill its 65,530 maps


@dataclass(frozen=True, slots=True)
class KeptLibrary:
    """A version of a cell that nothing uses any more and that is still mapped."""

    path: Path
    cell: str
    obstacle: Obstacle
    mapped_bytes: int


@dataclass(frozen=True, slots=True)
class KeptLimit:
    """How much may be kept before hotplate warns. Nothing is refused beyond it, and nothing is unloaded by force."""

    versions: int = _VERSIONS
    mapped_bytes: int = _BYTES

    def exceeded_by(self, kept: Sequence[KeptLibrary]) -> bool:
        """Whether this is too much."""
        return len(kept) > self.versions or sum(library.mapped_bytes for library in kept) > self.mapped_bytes


def kept_limit(environ: Mapping[str, str]) -> KeptLimit:
    """The limit, with the number of versions from HOTPLATE_KEPT_LIBRARIES. Raises SettingError."""
    text = environ.get(SETTING, "").strip()
    if not text:
        return KeptLimit()
    if not (text.isascii() and text.isdigit()):
        raise SettingError(f"{SETTING} is {text!r}, which is no number of libraries; give one such as {_VERSIONS}")
    return KeptLimit(int(text))


def limit_warning(kept: Sequence[KeptLibrary], limit: KeptLimit) -> str:
    """What there is, why, and the way out, most frequent reason first."""
    size = sum(library.mapped_bytes for library in kept)
    lines = [
        f"{len(kept)} old versions of cells stay in memory ({size / 2**20:.1f} MiB), more than "
        f"{limit.versions} or {limit.mapped_bytes >> 20} MiB:"
    ]
    for obstacle, count in Counter(library.obstacle for library in kept).most_common():
        cells = sorted({library.cell for library in kept if library.obstacle == obstacle})
        shown = ", ".join(cells[:3]) + (", ..." if len(cells) > 3 else "")
        lines.append(f"  {count} of {shown}: {obstacle.reason}; {obstacle.remedy}")
    lines.append(f"A new process starts without them. {SETTING} sets how many may stay before this is said, once.")
    return "\n".join(lines)
