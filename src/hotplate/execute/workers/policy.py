"""Policy: what a worker may do, control by control, and its bytes for the worker (csrc/worker/sandbox.h)."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

from hotplate.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The order of HP_CONTROL_MAP. What is in the environment is decided where a worker is started, not inside it.
NATIVE_CONTROLS = (
    "filesystem",
    "network",
    "processes",
    "peers",
    "memory",
    "cpu",
    "file_size",
    "core_dumps",
    "group",
)
CONTROLS = (*NATIVE_CONTROLS, "environment")

_HEAD = struct.Struct(f"<I{len(NATIVE_CONTROLS)}IQQQII")
_MOST_PATHS = 8192  # HP_POLICY_PATHS
_LEAST_MEMORY = 16 << 20  # a worker with one thread, whose stack is 8 MiB of it
_MOST_UINT64 = (1 << 63) - 1


class Level(StrEnum):
    """How much a control is wanted."""

    ALLOW = "allow"
    """Not at all."""
    PREFER = "prefer"
    """Where the machine can enforce it; the outcome says whether it did."""
    REQUIRE = "require"
    """Else nothing runs."""


_CONFINING = ("filesystem", "network", "processes", "peers")
_NUMBERS = {Level.ALLOW: 0, Level.PREFER: 1, Level.REQUIRE: 2}
_VALUES = {"memory": "memory_bytes", "cpu": "cpu_seconds", "file_size": "file_bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a worker may do. As it comes: anything, in its process group, without core dumps, in a clean environment.

    Raises SettingError when a value and its control's level contradict each other, or a value makes no sense.
    """

    filesystem: Level = Level.ALLOW
    """Only `readable`, `writable` and what the C library needs can be opened; no owners, modes or times be changed."""
    network: Level = Level.ALLOW
    """No sockets but pairs."""
    processes: Level = Level.ALLOW
    """No new processes or programs; threads are fine."""
    peers: Level = Level.ALLOW
    """No signals to other processes; they can't be traced, read, limited or given another priority."""
    memory: Level = Level.ALLOW
    """At most `memory_bytes` of private memory for a process; arenas do not count."""
    cpu: Level = Level.ALLOW
    """At most `cpu_seconds` of processor time for a worker's whole life, whichever cells it ran."""
    file_size: Level = Level.ALLOW
    """No file larger than `file_bytes`."""
    core_dumps: Level = Level.PREFER
    """A crash leaves no core file."""
    group: Level = Level.PREFER
    """Neither the worker nor its children leave its process group. Never less than `prefer`."""
    environment: Level = Level.REQUIRE
    """Only the variables that `clean_environment` lets through, and `variables`."""
    readable: tuple[PurePath, ...] = ()
    """Files and directories, absolute; of a directory all that is in it."""
    writable: tuple[PurePath, ...] = ()
    """The same, for reading and writing."""
    memory_bytes: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int | None = None
    variables: tuple[str, ...] = ()
    """Names of further variables that a worker is given."""

    def __post_init__(self) -> None:
        for name in CONTROLS:
            if not isinstance(getattr(self, name), Level):
                raise SettingError(f"policy: {name} is {getattr(self, name)!r}; say allow, prefer or require (Level)")
        if self.group is Level.ALLOW:
            raise SettingError(
                "policy: group can't be allow, for a kill must reach all that a cell started; say prefer"
            )
        for name, value in _VALUES.items():
            self._check_value(name, value)
        self._check_paths()
        self._check_variables()

    @classmethod
    def strict(
        cls,
        *,
        readable: Sequence[PurePath] = (),
        writable: Sequence[PurePath] = (),
        memory_bytes: int = 4 << 30,
        cpu_seconds: int = 600,
        file_bytes: int = 256 << 20,
    ) -> Policy:
        """For a notebook from a stranger: it computes, and does nothing else. All of it is required."""
        return cls(
            filesystem=Level.REQUIRE,
            network=Level.REQUIRE,
            processes=Level.REQUIRE,
            peers=Level.REQUIRE,
            memory=Level.REQUIRE,
            cpu=Level.REQUIRE,
            file_size=Level.REQUIRE,
            core_dumps=Level.REQUIRE,
            group=Level.REQUIRE,
            readable=tuple(readable),
            writable=tuple(writable),
            memory_bytes=memory_bytes,
            cpu_seconds=cpu_seconds,
            file_bytes=file_bytes,
        )

    @property
    def confines(self) -> bool:
        """Whether it takes anything from cells that they would have in a process of their own."""
        return any(self.level(name) is not Level.ALLOW for name in _CONFINING)

    def level(self, control: str) -> Level:
        """How much a control is wanted, by its name."""
        level: Level = getattr(self, control)
        return level

    def pack(self, also_readable: Sequence[PurePath] = ()) -> bytes:
        """The bytes of an `hp_policy`, for the worker. `also_readable`: the libraries that it is to open.

        Raises:
            SettingError: There are too many paths.
        """
        readable, writable = _packed((*also_readable, *self.readable)), _packed(self.writable)
        if len(readable) + len(writable) > _MOST_PATHS:
            raise SettingError(
                f"policy: its paths take {len(readable) + len(writable)} bytes, and {_MOST_PATHS} is the most; "
                "list directories instead of what is in them"
            )
        levels = (_NUMBERS[self.level(name)] for name in NATIVE_CONTROLS)
        limits = (getattr(self, value) or 0 for value in _VALUES.values())
        return _HEAD.pack(_HEAD.size, *levels, *limits, len(readable), len(writable)) + readable + writable

    def _check_value(self, name: str, value_name: str) -> None:
        value = getattr(self, value_name)
        if self.level(name) is Level.ALLOW:
            if value is not None:
                raise SettingError(f"policy: {value_name} means nothing while {name} is allow; say prefer or require")
            return
        least = _LEAST_MEMORY if name == "memory" else int(name == "cpu")
        if value is None:
            raise SettingError(f"policy: {name} is {self.level(name)}, but {value_name} is not set")
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST_UINT64:
            raise SettingError(f"policy: {value_name} is {value!r}; it is a whole number from {least} on")

    def _check_paths(self) -> None:
        for path in (*self.readable, *self.writable):
            if not isinstance(path, PurePath):
                raise SettingError(f"policy: {path!r} is no path; list it as pathlib.Path({path!r})")
            if self.filesystem is Level.ALLOW:
                raise SettingError(f"policy: {path} is listed, but filesystem is allow: all files can be opened")
            if not path.is_absolute() or "\0" in str(path):
                raise SettingError(f"policy: {str(path)!r} is no absolute path; a worker has no directory of its own")

    def _check_variables(self) -> None:
        if isinstance(self.variables, str):  # its letters would be taken for names
            raise SettingError(f"policy: variables is {self.variables!r}; make it a tuple of names")
        for name in self.variables:
            if not name or "=" in name or "\0" in name:
                raise SettingError(f"policy: {name!r} is no name of a variable")
        if self.variables and self.environment is Level.ALLOW:
            raise SettingError("policy: variables are listed, but environment is allow: all of them are passed on")


def _packed(paths: Sequence[PurePath]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in dict.fromkeys(paths))
