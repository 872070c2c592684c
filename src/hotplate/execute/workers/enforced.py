"""EffectivePolicy: what of a policy is in force in a worker, read from the bytes of its `hp_enforced`."""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from hotplate.errors import SettingError
from hotplate.execute.workers.policy import NATIVE_CONTROLS, Level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEAD = struct.Struct("<IiIi")
_CONTROL = struct.Struct("<IIIi")
_SIZE = _HEAD.size + len(NATIVE_CONTROLS) * _CONTROL.size
_MECHANISMS = ("limits", "Landlock", "seccomp", "dropped privileges")  # bits, from HP_BY_LIMIT on
_NO_WHY, _SYSTEM, _LANDLOCK = 0, 1, 2  # HP_WHY_...
_PATIENCE = 10.0  # seconds for a program that makes some twenty system calls


class State(StrEnum):
    """What became of a control. In the order of HP_OPEN and the rest."""

    OPEN = "open"
    """The policy allows it."""
    ENFORCED = "enforced"
    PARTLY = "partly"
    """There are known ways around it."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One control, as it is in force."""

    control: str
    state: State
    by: tuple[str, ...] = ()
    """What enforces it, for people."""
    reason: str = ""
    """Why it is not enforced in full."""


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What of a policy is in force in a worker."""

    controls: tuple[Enforcement, ...]
    landlock: int
    """The version of the kernel's Landlock that is in use; 0: none."""
    paths_missing: int
    """How many of the listed paths are not there."""
    refused: str = ""
    """The control that is required and can't be had, so that nothing ran; "policy" when that could not be read."""

    def __getitem__(self, control: str) -> Enforcement:
        """One control by its name."""
        return next(entry for entry in self.controls if entry.control == control)

    def with_environment(self, level: Level) -> EffectivePolicy:
        """The same with the control that no worker can tell of: which variables it was started with."""
        if level is Level.ALLOW:
            environment = Enforcement("environment", State.OPEN)
        else:
            environment = Enforcement("environment", State.ENFORCED, ("the way it is started",))
        return replace(self, controls=(*self.controls, environment))

    def describe(self) -> str:
        """One line for each control that was asked for; for people."""
        lines = [_line(entry) for entry in self.controls if entry.state is not State.OPEN]
        if self.paths_missing:
            lines.append(f"{self.paths_missing} of the listed paths are not there")
        return "\n".join(lines)

    @classmethod
    def unpack(cls, data: bytes) -> EffectivePolicy:
        """Reads the bytes of an `hp_enforced`.

        Raises:
            SettingError: They are of another version of the worker.
        """
        if len(data) != _SIZE or _HEAD.unpack_from(data)[0] != _SIZE:
            raise SettingError(f"the worker's word on its sandbox has {len(data)} bytes, not {_SIZE}; build it again")
        _, landlock, paths_missing, refused = _HEAD.unpack_from(data)
        entries = _CONTROL.iter_unpack(data[_HEAD.size :])
        controls = tuple(_enforcement(name, *entry) for name, entry in zip(NATIVE_CONTROLS, entries, strict=True))
        return cls(controls, landlock, paths_missing, _refused_control(refused))


def probe(program: Sequence[str | Path]) -> EffectivePolicy:
    """What this machine can enforce, found out by enforcing all of it in a process that then ends.

    `program` is `hotplate.toolchain.confine.confining_program`'s.

    Raises:
        SettingError: The program can't be run, or does not answer.
    """
    import subprocess  # 6 ms, only for who asks

    try:
        done = subprocess.run(
            list(map(str, program)), stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SettingError(f"{program[0]} does not tell what this machine can enforce: {error}") from error
    return EffectivePolicy.unpack(done.stdout)


def _enforcement(control: str, state: int, by: int, why: int, detail: int) -> Enforcement:
    mechanisms = tuple(name for bit, name in enumerate(_MECHANISMS) if by >> bit & 1)
    known = list(State)[state] if state < len(State) else State.MISSING
    return Enforcement(control, known, mechanisms, _reason(why, detail))


def _reason(why: int, detail: int) -> str:
    if why == _NO_WHY:
        return ""
    if why == _LANDLOCK:
        return f"the kernel's Landlock is too old: version {detail} or newer can do it"
    if why != _SYSTEM:
        return "not on this operating system or processor"
    name = errno.errorcode.get(detail, str(detail))
    if detail in {errno.ENOSYS, errno.EOPNOTSUPP}:
        return f"the kernel was built or started without it ({name})"
    return f"the system refused: {os.strerror(detail)} ({name})"


def _refused_control(refused: int) -> str:
    if refused == 0:
        return ""
    return NATIVE_CONTROLS[refused - 1] if 0 < refused <= len(NATIVE_CONTROLS) else "policy"


def _line(entry: Enforcement) -> str:
    by = f" by {', '.join(entry.by)}" if entry.by else ""
    reason = f" ({entry.reason})" if entry.reason else ""
    return f"{entry.control}: {entry.state}{by}{reason}"
