"""Worker: one process that runs native cells, as its controller sees it."""

from __future__ import annotations

import contextlib
import functools
import os
import struct
import sys
import threading
import time
import weakref
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from hotplate.abi import ffi, lib
from hotplate.errors import LoadError, SettingError
from hotplate.execute.abort import AbortHandle
from hotplate.execute.usage import process_usage
from hotplate.execute.workers.arena import Arena
from hotplate.execute.workers.bubblewrap import code_behind
from hotplate.execute.workers.death import Death
from hotplate.execute.workers.enforced import EffectivePolicy
from hotplate.execute.workers.lasting import on_lasting_thread
from hotplate.execute.workers.output import Output
from hotplate.load.problems import WorkerDied

if sys.platform == "win32":
    from hotplate.execute.workers.ends_windows import Ending, start_error
else:
    from hotplate.execute.workers.ends_posix import Ending, start_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from hotplate.execute.captured import Captured
    from hotplate.execute.cooperation import Usage

ANSWER_TIME = 10.0
"""Seconds that a worker may take to say hello, and to open a library; constructors of global objects run then."""


class Reason(IntEnum):
    """Why a worker was asked to stop (HP_REASON_... in remote.h)."""

    NONE = lib.HP_REASON_NONE
    TIMEOUT = lib.HP_REASON_TIMEOUT
    ABORT = lib.HP_REASON_ABORT
    KILL = lib.HP_REASON_KILL


_ANSWERED = lib.HP_ENDED_ANSWER
FALSE_STARTS = 3
"""How many workers in a row may die before they begin with what they were given; then it is its fault after all."""


class Worker:
    """A process for native cells. One thread uses it at a time, but for `abort` and `kill`, which any may call."""

    def __init__(
        self,
        program: Sequence[str],
        environment: Mapping[str, str],
        sink: Callable[[int, bytes], None],
        policy: bytes = b"",
        *,
        wrapped: bool = False,
    ) -> None:
        """Starts it, `wrapped` when that is behind bubblewrap, and waits for its hello.

        Raises OSError, SettingError when it can't keep the policy.
        """
        self.libraries: set[int] = set()
        """The numbers of those that it has loaded."""
        self.cell = ""
        """The one that it is running."""
        self.calls = 0
        """How many it was given."""
        self._listens: tuple[AbortHandle, AbortHandle] | None = None
        """Whose requests to stop the running cell hears, and by what."""
        self.death: Death | None = None
        self.killed = False
        """Whether somebody called `kill`."""
        self._ending = threading.RLock()
        """Held by who uses the handle from outside and by who takes it away. A signal handler may be such a one."""
        self.waited: Any = ffi.new("hp_waited *")
        self._answer = ffi.new("uint8_t[]", lib.HP_MESSAGE_MAX)
        self._size = ffi.new("size_t *")
        self._arena = Arena.take()
        self._output = Output(sink)
        self._wrapped = wrapped
        self.handle = self._start(program, environment)
        # No __del__: that could find the handle freed, for what goes with a cycle goes in any order.
        self._unless_buried = weakref.finalize(self, _put_down, self.handle, self._output, self._arena)
        self._unless_buried.atexit = False
        self._ended = Ending(lib.hp_remote_descriptor(self.handle))
        self.process = int(lib.hp_remote_process(self.handle))
        """Its number in the system, which is that of its process group as well."""
        self.policy = self._greet(policy)
        """What of its policy is in force; None where it has none."""

    def _start(self, program: Sequence[str], environment: Mapping[str, str]) -> Any:
        code = ffi.new("int32_t *")
        kept = [ffi.new("char[]", os.fsencode(word)) for word in program]
        variables = [ffi.new("char[]", os.fsencode(f"{name}={value}")) for name, value in environment.items()]
        argv, environ = ffi.new("char *[]", [*kept, ffi.NULL]), ffi.new("char *[]", [*variables, ffi.NULL])
        ends, arena = self._output.ends, self._arena.handle
        start = functools.partial(lib.hp_remote_start, argv, environ, ffi.NULL, ends[1], ends[2], arena, code)
        handle = on_lasting_thread(start) if self._wrapped else start()
        if handle == ffi.NULL:
            self._output.abandon()
            self._arena.give_back()
            raise start_error(code[0], program[0])
        return ffi.gc(handle, lib.hp_remote_free)

    def _greet(self, policy: bytes) -> EffectivePolicy | None:
        try:
            self._output.started()
            hello = struct.pack("=QQ", lib.HP_PROTOCOL, lib.HP_ABI_VERSION) + _bytes(policy)
            enforced = self._ask(lib.HP_SAY_HELLO, hello, SettingError)
        except BaseException as error:
            death = self.bury()
            if isinstance(error, WorkerDied):
                said = death.output[1].text.strip()
                raise OSError(
                    f"the worker ended before it said hello (code {death.code}){said and ': '}{said}"
                ) from None
            raise
        return EffectivePolicy.unpack(_unwrapped(enforced)) if policy else None

    # ---- for the one who has it ----

    def open(self, path: Path, number: int) -> bytes:
        """Loads a library, which constructors of global objects make use of; returns the description of its cell.

        Raises LoadError when the system refuses it, WorkerDied when it did not come through.
        """
        payload = struct.pack("=Q", number) + _bytes(os.fsencode(path))
        description = self._ask(lib.HP_SAY_OPEN, payload, LoadError, f"can't load {path}: ")
        self.libraries.add(number)
        return description

    def prepare(self) -> None:
        """Has it map the memory for results, which else its first call does. Raises WorkerDied."""
        try:
            self.enter("", ANSWER_TIME, 0.0, None)
            is_there = lib.hp_remote_prepare(self.handle)
        finally:
            self.leave()
        if not is_there:
            raise WorkerDied

    def enter(self, cell: str, timeout: float | None, grace: float, abort: AbortHandle | None) -> None:
        """Calls of this thread, which are those of `cell`, go to it until `leave`, with so many seconds each.

        Until then it hears requests to stop: those to `abort`, and in the main thread Ctrl-C.
        """
        self.calls += 1
        self.cell = cell
        self._output.forget()
        allowed = -1 if timeout is None else int(timeout * 1e9)
        lib.hp_remote_enter(self.handle, allowed, int(grace * 1e9), self.waited)
        if abort is not None:
            self._listens = abort, AbortHandle(on_abort=self.abort)
            abort.adopt(self._listens[1])
        if threading.current_thread() is threading.main_thread():
            lib.hp_interrupt_watch(lib.hp_remote_abort_word(self.handle))

    def leave(self) -> None:
        """Undoes `enter`, also one that was cut short. Once more does no harm."""
        if self._unless_buried.alive:  # else the handle is gone, and its word is watched no more
            lib.hp_interrupt_unwatch(lib.hp_remote_abort_word(self.handle))
        if lib.hp_remote_entered() == self.handle:
            lib.hp_remote_enter(ffi.NULL, -1, 0, ffi.NULL)
        if self._listens is not None:
            parent, child = self._listens
            parent.release(child)
            self._listens = None
        self.cell = ""

    def listen(self, listener: Callable[[int, bytes], None] | None = None, *, echo: bool = True) -> None:
        """Gives a call's output to `listener` as it comes, until `printed`. `echo`: it is passed on as well."""
        self._output.listen(listener, echo=echo)

    def printed(self) -> tuple[Captured, Captured]:
        """What was printed since this was last asked: to stdout, to stderr."""
        return self._output.taken()

    def progress(self) -> tuple[int, int]:
        """How far the running call is, and of how much."""
        numbers = ffi.new("int64_t[2]")
        with self._ending:
            if self.death is None:
                lib.hp_remote_progress(self.handle, numbers, numbers + 1)
        return int(numbers[0]), max(int(numbers[1]), 0)

    def used(self) -> Usage | None:
        """What it has used so far; None where nobody can tell, for behind bubblewrap it is another's child."""
        return None if self._wrapped else process_usage(self.process)

    @property
    def has_observed(self) -> bool:
        """Whether the latest call was seen to look at a request to stop. Not after its death."""
        return bool(lib.hp_remote_observed(self.handle))

    # ---- for anybody ----

    def abort(self) -> None:
        """Asks the running call to stop; after its grace the worker is killed."""
        with self._ending:
            if self.death is None:
                lib.hp_remote_abort(self.handle, Reason.ABORT)

    def kill(self) -> None:
        """Ends it and its children at once."""
        with self._ending:
            if self.death is None:
                self.killed = True
                lib.hp_remote_kill(self.handle)

    # ---- its end ----

    @property
    def is_doomed(self) -> bool:
        """Whether it was killed, which takes effect some time after, or gave no answer."""
        return self.killed or self.waited.ending > _ANSWERED

    @property
    def is_gone(self) -> bool:
        """Whether its process has ended, or will."""
        return self.death is not None or self.is_doomed or self._ended.now()

    def retire(self) -> Death:
        """Lets it leave in order, which runs destructors of global objects; then as `bury`."""
        if self.death is None:
            with contextlib.suppress(WorkerDied):
                self._ask(lib.HP_SAY_LEAVE, b"", LoadError)
        return self.bury()

    def bury(self) -> Death:
        """Kills it if it still lives, and waits until it is gone. Its shared memory may be used again from then on."""
        if self.death is not None:
            return self.death
        code, used = _end(self.handle)
        code = code_behind(code) if self._wrapped else code
        stage = int(lib.hp_remote_stage(self.handle))
        crash = bytes(ffi.buffer(lib.hp_remote_crash(self.handle), lib.HP_CRASH_BYTES))
        overdue = bool(self.waited.killed) and self.waited.reason == Reason.TIMEOUT
        times = used[0] / 1e6, used[1] / 1e6
        with self._ending:
            self.death = Death(code, stage, crash, self.printed(), overdue, *times, int(used[2]))
            self._unless_buried.detach()
            _let_go(self.handle, self._output, self._arena)
        return self.death

    def disown(self) -> None:
        """Lets go of what a forked child has of its parent's worker, which would live on as long as the child."""
        if self._unless_buried.detach() is not None:
            ffi.release(self.handle)
            self._output.disown()

    # ---- messages ----

    def _ask(self, kind: int, payload: bytes, refusal: type[Exception], what: str = "") -> bytes:
        answered = lib.hp_remote_ask(
            self.handle, kind, payload, len(payload), -1, int(ANSWER_TIME * 1e9), self._answer, self._size, self.waited
        )
        answer = bytes(ffi.buffer(self._answer, self._size[0]))
        if answered == lib.HP_SAY_DONE:
            return answer
        if answered == lib.HP_SAY_REFUSED:
            raise refusal(what + _unwrapped(answer).decode("utf-8", "replace"))
        raise WorkerDied


def _end(handle: Any) -> tuple[int, Any]:
    """Kills a process and waits until it is gone: its exit code or minus its signal, and what it has used."""
    code, used = ffi.new("int32_t *"), ffi.new("int64_t[3]")
    lib.hp_remote_kill(handle)
    while not lib.hp_remote_reap(handle, 10**9, code, used):
        time.sleep(0)  # a process that hangs in the system; Ctrl-C gets through here
    return int(code[0]), used


def _let_go(handle: Any, output: Output, arena: Arena) -> None:
    """Of what belongs to a process that is gone."""
    ffi.release(handle)
    output.close()
    arena.give_back()


def _put_down(handle: Any, output: Output, arena: Arena) -> None:
    """For a worker that nobody has any more: its pool is gone, or an interrupt struck when it was handed over."""
    _end(handle)
    _let_go(handle, output, arena)


def _bytes(data: bytes) -> bytes:
    """Bytes as wire.h has them: a length, then the bytes, then at least one zero up to a multiple of 8."""
    return struct.pack("=Q", len(data)) + data + b"\0" * (8 - len(data) % 8)


def _unwrapped(data: bytes) -> bytes:
    return data[8 : 8 + struct.unpack_from("=Q", data)[0]] if len(data) >= 8 else b""
