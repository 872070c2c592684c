"""PythonWorker: every way in which a Python cell can end costs at most its process, and is told as what it was."""

from __future__ import annotations

import ctypes
import importlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cloudpickle
import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("Python workers run on Linux", allow_module_level=True)

from hotplate.execute import AbortHandle, OutcomeKind
from hotplate.execute.workers.python.result import NotPortable, PortableFunction, RemoteTraceback
from hotplate.execute.workers.python.wire import INLINE, Reference
from hotplate.execute.workers.python.worker import PythonWorker
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hotplate.execute.workers.python.result import PythonResult

OK, FAILED, CRASHED = OutcomeKind.OK, OutcomeKind.FAILED, OutcomeKind.CRASHED
SHORT = 0.05

# As in a notebook, whose functions can't be imported. The import of this module would also count as a call's time.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def shared_worker() -> Iterator[PythonWorker]:
    """One process for all that leaves it unharmed: each takes 130 ms to start."""
    with PythonWorker({"LANG": "C.UTF-8"}) as worker:
        yield worker


@pytest.fixture
def worker(shared_worker: PythonWorker) -> Iterator[PythonWorker]:
    shared_worker.start()
    yield shared_worker
    shared_worker.start()
    assert call(shared_worker, lambda: "next call").value == "next call"


def call(worker: PythonWorker, function: Callable[..., Any], /, **options: Any) -> PythonResult:
    """A call whose inputs are the keywords that are no options of `PythonWorker.call`."""
    given = {name: options.pop(name) for name in ("abort", "timeout", "grace", "on_output") if name in options}
    return worker.call(PortableFunction.of(function), options, **{"abort": AbortHandle(), **given})


def spin() -> None:
    while True:
        pass


def spin_in_c() -> None:
    """Never looks at signals, and keeps the interpreter's lock."""
    sum(itertools.repeat(0))


def spin_stubbornly() -> None:
    while True:
        try:
            spin()
        except KeyboardInterrupt:
            print("no")


def gone(pid: int) -> bool:
    """Whether a process has ended; init may not have reaped it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def descriptors() -> list[str]:
    """What this process has open. The directory that is read for it is gone when its turn comes."""
    return sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())


def shared_memory() -> list[str]:
    """Without what OpenMP's runtime has there, which comes and goes with any process."""
    return sorted(path.name for path in Path("/dev/shm").iterdir() if not path.name.startswith("__KMP"))


# ---- functions and values ----


class Pair(NamedTuple):
    low: float
    high: float


def test_lambdas_closures_and_functions_of_modules_run_in_another_process(worker: PythonWorker) -> None:
    offset = 3
    assert call(worker, lambda x: x + offset, x=4).value == 7
    assert call(worker, os.getpid).value == worker.pid != os.getpid()


def test_a_function_has_the_globals_of_the_time_it_was_made_portable(worker: PythonWorker) -> None:
    space: dict[str, Any] = {"__name__": "__main__", "factor": 2}
    exec("def scaled(x): return factor * x", space)
    before = PortableFunction.of(space["scaled"])
    space["factor"] = 10
    after = PortableFunction.of(space["scaled"])
    values = [worker.call(each, {"x": 1}, abort=AbortHandle()).value for each in (before, after, before)]
    assert values == [2, 10, 2]


def test_a_function_that_cannot_travel_is_refused_with_the_way_out() -> None:
    lock = threading.Lock()
    with pytest.raises(NotPortable, match=r"can't be sent to another process: .*lock.*; make it plain values"):
        PortableFunction.of(lambda: lock)


@pytest.mark.parametrize(
    "value", [None, True, 2**100, 1.5, 2j, "é", b"\0", [1, {"a": (2,)}], np.float32(2), Pair(1, 2), {3}, 10**6 * "x"]
)
def test_values_come_back_as_they_went(worker: PythonWorker, value: Any) -> None:
    returned = call(worker, lambda value: value, value=value).value
    assert (returned, type(returned)) == (value, type(value))


@pytest.mark.parametrize("bytes_", [0, 8, INLINE - 8, INLINE, 64 << 20])
def test_arrays_come_back_byte_equal_and_read_only(worker: PythonWorker, bytes_: int) -> None:
    array = np.arange(bytes_ // 8, dtype=np.int64)
    result = call(worker, lambda array: (array, array.flags.writeable), array=array)
    returned, writeable = result.value
    assert (returned == array).all()
    assert returned.dtype == array.dtype
    assert (returned.flags.writeable, writeable) == (False, False)


@pytest.mark.parametrize(
    "array",
    [np.zeros((64, 64))[:, ::2], np.asfortranarray(np.ones((3, 4))), np.array(7.0), np.array([{}, None])],
    ids=["gaps", "fortran", "scalar", "objects"],
)
def test_arrays_of_every_shape_are_read_only_on_both_sides(worker: PythonWorker, array: np.ndarray[Any, Any]) -> None:
    result = call(worker, lambda array: array, array=array)
    assert result.value.shape == array.shape
    assert (result.value == array).all()
    assert not result.value.flags.writeable
    assert call(worker, lambda array: array.flags.writeable, array=array).value is False


def test_many_arrays_travel_in_one_call(worker: PythonWorker) -> None:
    arrays = [np.full(10, number) for number in range(3000)]
    returned = call(worker, lambda arrays: arrays[::-1], arrays=arrays).value
    assert [array[0] for array in returned] == list(range(3000))[::-1]


def test_modules_are_found_where_this_process_finds_them(
    worker: PythonWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "beside_the_notebook.py").write_text("def answer(): return 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import beside_the_notebook  # type: ignore[import-not-found]  # it has just been written

    assert call(worker, beside_the_notebook.answer).value == 42
    assert call(worker, os.getcwd).value == str(tmp_path)


@pytest.mark.parametrize("name", ["family", "values", "wire"])
def test_a_module_of_the_notebook_may_be_called_like_one_of_the_worker(
    worker: PythonWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("whose = 'mine'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert call(worker, lambda: importlib.import_module(name).whose).value == "mine"


def test_the_environment_is_the_one_given_and_standard_input_is_empty(worker: PythonWorker) -> None:
    assert call(worker, lambda: dict(os.environ)).value.keys() <= {"LANG", "LC_CTYPE"}
    assert call(worker, lambda: sys.stdin.read(1)).value == ""


def test_what_the_worker_remembers_stays_for_its_next_call(worker: PythonWorker) -> None:
    def count() -> int:
        sys.counted = getattr(sys, "counted", 0) + 1  # type: ignore[attr-defined]  # any place would do
        return sys.counted  # type: ignore[attr-defined]  # likewise

    assert [call(worker, count).value for _ in range(3)] == [1, 2, 3]


class OneArena:
    """Shared memory as a controller has it: one memfd, mapped."""

    def __init__(self, size: int) -> None:
        import mmap

        self.descriptor = os.memfd_create("test-arena")
        os.ftruncate(self.descriptor, size)
        self.bytes = np.frombuffer(mmap.mmap(self.descriptor, size), np.uint8)

    def place(self, array: np.ndarray[Any, Any]) -> Reference | None:
        offset = array.ctypes.data - self.bytes.ctypes.data
        inside = 0 <= offset <= self.bytes.nbytes - array.nbytes
        return Reference(5, self.descriptor, offset, array.nbytes) if inside else None

    def view(self, reference: Reference) -> np.ndarray[Any, Any]:
        assert reference.block == 5
        view = self.bytes[reference.offset : reference.offset + reference.size]
        view.flags.writeable = False
        return view


def test_arrays_in_shared_memory_are_not_copied() -> None:
    arena = OneArena(1 << 20)
    array = arena.bytes[4096:12288].view(np.float64)
    array[:] = 1.0
    with PythonWorker({}, shared=arena) as worker:
        for expected in (1024.0, 2048.0):
            total, part = call(worker, lambda array: (array.sum(), array[8:16]), array=array).value
            assert total == expected
            assert np.shares_memory(part, array[8:16])
            assert not part.flags.writeable
            array[:] = 2.0
    os.close(arena.descriptor)


# ---- how calls end ----


def test_what_a_cell_raises_is_told_with_its_traceback_and_is_the_exception_itself(worker: PythonWorker) -> None:
    def fails() -> None:
        raise FileNotFoundError(2, "No such file", "data.csv")

    result = call(worker, fails)
    assert (result.kind, result.reason) == (FAILED, "FileNotFoundError: [Errno 2] No such file: 'data.csv'")
    assert isinstance(result.exception, FileNotFoundError)
    assert isinstance(result.exception.__cause__, RemoteTraceback)
    assert result.traceback.splitlines()[1].startswith(f'  File "{__file__}"')
    assert "main.py" not in result.traceback


class Picky(Exception):
    """Can be pickled, but not unpickled."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raise_picky() -> None:
    raise Picky(1, 2)


def raise_unpicklable() -> None:
    error = ValueError("with a lock")
    error.lock = threading.Lock()  # type: ignore[attr-defined]  # exceptions take any
    raise error


@pytest.mark.parametrize(
    ("function", "reason"), [(raise_picky, "Picky: 1 and 2"), (raise_unpicklable, "ValueError: with a lock")]
)
def test_an_exception_that_cannot_travel_is_told_all_the_same(
    worker: PythonWorker, function: Callable[[], None], reason: str
) -> None:
    result = call(worker, function)
    assert (result.kind, result.reason) == (FAILED, reason)
    assert isinstance(result.exception, RemoteTraceback)
    assert f"in {function.__name__}" in str(result.exception)


def raise_interrupt() -> None:
    raise KeyboardInterrupt


def recurse() -> None:
    recurse()


def return_lock() -> Any:
    return threading.Lock()


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda: sys.exit(3), "SystemExit: 3"),
        (raise_interrupt, "KeyboardInterrupt"),
        (return_lock, "its result can't be sent to another process: TypeError: cannot pickle"),
        (recurse, "RecursionError: maximum recursion depth"),
        (lambda: bytearray(1 << 60), "out of memory"),
    ],
    ids=["exit", "interrupt", "unpicklable result", "recursion", "memory"],
)
def test_a_cell_that_fails_keeps_its_process(worker: PythonWorker, function: Callable[[], Any], reason: str) -> None:
    pid = worker.pid
    result = call(worker, function)
    assert result.kind is FAILED
    assert result.reason.startswith(reason)
    assert worker.alive
    assert worker.pid == pid


def test_an_input_that_cannot_travel_is_named_and_nothing_runs(worker: PythonWorker, tmp_path: Path) -> None:
    result = call(worker, lambda a, b: (tmp_path / "ran").write_text(f"{a} {b}"), a=1, b=threading.Lock())
    assert result.kind is OutcomeKind.REJECTED
    assert result.reason.startswith("its input b can't be sent to another process: cannot pickle")
    assert not (tmp_path / "ran").exists()


def overflow() -> None:
    import resource

    # Newer interpreters count such calls and stop at a depth that the usual 8 MiB hold.
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 18, resource.RLIM_INFINITY))
    sys.setrecursionlimit(1 << 30)
    callback = ctypes.CFUNCTYPE(None)

    def again() -> None:
        callback(again)()

    again()


@pytest.mark.parametrize(
    ("function", "code", "traced"),
    [
        (os.abort, -signal.SIGABRT, True),
        (lambda: ctypes.string_at(0), -signal.SIGSEGV, True),
        (lambda: os._exit(3), 3, False),
        (lambda: os._exit(0), 0, False),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -signal.SIGKILL, False),
        (overflow, -signal.SIGSEGV, True),
    ],
    ids=["abort", "segfault", "_exit", "_exit 0", "kill", "stack overflow"],
)
def test_a_crash_is_told_with_its_code_and_the_python_line(
    worker: PythonWorker, function: Callable[[], Any], code: int, traced: bool
) -> None:
    result = call(worker, function)
    assert (result.kind, result.exit_code) == (CRASHED, code)
    assert ("Fatal Python error" in result.traceback) is traced
    assert not worker.alive


def test_a_crash_keeps_what_was_printed_and_shows_where_it_was() -> None:
    def crash() -> None:
        print("before")
        ctypes.CDLL(None).printf(b"from C")
        ctypes.string_at(0)

    with PythonWorker({}) as worker:
        result = call(worker, crash)
    assert sorted(result.stdout.text.split("\n")) == ["before", "from C"]
    assert f'"{__file__}", line {crash.__code__.co_firstlineno + 3} in crash' in result.traceback


def test_a_cell_that_closes_the_connection_is_lost(worker: PythonWorker) -> None:
    result = call(worker, lambda: (os.closerange(3, 4096), time.sleep(60)))
    assert result.kind is OutcomeKind.LOST
    assert not worker.alive


def test_a_worker_whose_process_was_killed_between_calls_says_so(worker: PythonWorker) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert eventually(lambda: not worker.alive)
    assert call(worker, spin).kind is OutcomeKind.LOST


class SlowToRead:
    """Its unpickling takes a second."""

    def __reduce__(self) -> tuple[Any, ...]:
        return time.sleep, (1.0,)


def test_the_time_of_a_call_ends_with_its_answer(worker: PythonWorker) -> None:
    result = call(worker, SlowToRead, timeout=0.9)
    assert result.kind is OutcomeKind.OK
    assert result.seconds < 0.9


# ---- time-outs and stopping ----


@pytest.mark.parametrize(
    ("function", "killed"), [(spin, False), (lambda: time.sleep(60), False), (spin_in_c, True), (spin_stubbornly, True)]
)
def test_a_call_that_runs_too_long_is_interrupted_and_then_killed(
    worker: PythonWorker, function: Callable[[], None], killed: bool
) -> None:
    result = call(worker, function, timeout=SHORT, grace=SHORT if killed else 30)
    assert (result.kind, result.killed, worker.alive) == (OutcomeKind.TIMED_OUT, killed, not killed)
    assert result.reason.endswith("s are allowed (timeout)")


def test_a_cell_that_cleans_up_when_interrupted_has_timed_out_all_the_same(worker: PythonWorker) -> None:
    def tidy() -> str:
        try:
            spin()
        except KeyboardInterrupt:
            return "tidied"
        return ""

    result = call(worker, tidy, timeout=SHORT, grace=30)
    assert (result.kind, result.value, result.killed) == (OutcomeKind.TIMED_OUT, None, False)


def test_the_start_of_a_process_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time; time.sleep(1)")
    with PythonWorker({"PYTHONPATH": str(tmp_path)}) as worker:
        assert call(worker, lambda: 1, timeout=0.9).kind is OK


def test_a_signal_that_nobody_asked_for_does_not_interrupt(worker: PythonWorker) -> None:
    def press_ctrl_c(_stream: str, _data: bytes) -> None:
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGINT)

    result = call(worker, lambda: (print("go"), time.sleep(SHORT)), on_output=press_ctrl_c)
    assert result.kind is OK


@pytest.mark.parametrize(("function", "killed"), [(spin, False), (spin_in_c, True)])
def test_an_abort_from_another_thread_cancels(worker: PythonWorker, function: Callable[[], None], killed: bool) -> None:
    abort = AbortHandle()
    threading.Timer(SHORT, abort.abort, ("enough",)).start()
    result = call(worker, function, abort=abort, grace=SHORT if killed else 30)
    assert (result.kind, result.reason, result.killed) == (OutcomeKind.CANCELLED, "enough", killed)


def test_nothing_runs_under_an_abort_that_was_before(worker: PythonWorker, tmp_path: Path) -> None:
    abort = AbortHandle()
    abort.abort("earlier")
    result = call(worker, (tmp_path / "ran").touch, abort=abort)
    assert (result.kind, result.reason, (tmp_path / "ran").exists()) == (OutcomeKind.CANCELLED, "earlier", False)


def test_a_result_that_comes_in_spite_of_an_abort_counts(worker: PythonWorker) -> None:
    def finish() -> str:
        try:
            spin()
        except KeyboardInterrupt:
            return "finished"
        return ""

    abort = AbortHandle()
    threading.Timer(SHORT, abort.abort).start()
    result = call(worker, finish, abort=abort, grace=30)
    assert (result.kind, result.value) == (OK, "finished")


def test_late_interrupts_never_hit_the_next_call(worker: PythonWorker) -> None:
    kinds = set()
    for _ in range(200):
        kinds.add(call(worker, lambda: None, timeout=1e-9, grace=30).kind)
        assert call(worker, lambda: sum(range(100))).kind is OK
    assert kinds == {OutcomeKind.TIMED_OUT}


def test_kill_from_another_thread_cancels(worker: PythonWorker) -> None:
    threading.Timer(SHORT, worker.kill).start()
    result = call(worker, spin)
    assert (result.kind, result.reason) == (OutcomeKind.CANCELLED, "killed")


def test_whatever_ends_the_wait_ends_the_process(worker: PythonWorker) -> None:
    def refuse(_stream: str, _data: bytes) -> None:
        raise KeyboardInterrupt

    pid = worker.pid
    assert pid is not None
    with pytest.raises(KeyboardInterrupt):
        call(worker, lambda: (print("go"), spin()), on_output=refuse)
    assert not worker.alive
    assert gone(pid)


def test_a_worker_makes_one_call_at_a_time(worker: PythonWorker) -> None:
    began = threading.Event()
    other = threading.Thread(
        target=call, args=(worker, lambda: (print("go"), time.sleep(60))), kwargs={"on_output": lambda *_: began.set()}
    )
    other.start()
    assert began.wait(10)
    with pytest.raises(RuntimeError, match="one at a time"):
        call(worker, lambda: None)
    worker.kill()
    other.join()


# ---- output ----


def test_output_comes_while_the_call_runs(worker: PythonWorker) -> None:
    heard: list[tuple[str, bytes]] = []
    abort = AbortHandle()

    def hear(stream: str, data: bytes) -> None:
        heard.append((stream, data))
        abort.abort()

    result = call(worker, lambda: (print("é", file=sys.stderr), spin()), on_output=hear, abort=abort)
    assert heard == [("stderr", "é\n".encode())]
    assert (result.kind, result.stderr.text, result.stdout.text) == (OutcomeKind.CANCELLED, "é\n", "")


def test_of_much_output_head_and_tail_are_kept_and_all_of_it_is_heard(worker: PythonWorker) -> None:
    sizes: list[int] = []
    result = call(
        worker, lambda: print("€" * 1_000_000 + "end"), on_output=lambda _stream, data: sizes.append(len(data))
    )
    kept = result.stdout
    assert sum(sizes) == 3_000_004
    assert set(kept.head) == {"€"}
    assert kept.tail.endswith("€end\n")
    assert "�" not in kept.text
    assert len(kept.head.encode()) + kept.dropped + len(kept.tail.encode()) == 3_000_004
    assert len(kept.text.encode()) < (1 << 16) + 100


def test_a_cell_may_close_its_streams(worker: PythonWorker) -> None:
    assert call(worker, lambda: (sys.stdout.close(), os.close(2))).kind is OK
    worker.close()


# ---- nothing is left behind ----


def fork_and_leave() -> int:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    return pid


def leave_in_a_session_of_its_own() -> int:
    return subprocess.Popen(["sleep", "60"], start_new_session=True).pid


def leave_an_orphan() -> int:
    inner = "import subprocess; print(subprocess.Popen(['sleep', '60'], stdout=-3, start_new_session=True).pid)"
    return int(subprocess.check_output([sys.executable, "-c", inner]))


@pytest.mark.parametrize("function", [fork_and_leave, leave_in_a_session_of_its_own, leave_an_orphan])
def test_children_are_gone_when_the_outcome_is_known(worker: PythonWorker, function: Callable[[], int]) -> None:
    result = call(worker, function)
    assert result.kind is OK
    assert gone(result.value)
    assert worker.alive


def test_shared_memory_that_a_cell_forgets_is_unlinked(worker: PythonWorker) -> None:
    def forget() -> str:
        from multiprocessing.shared_memory import SharedMemory

        return SharedMemory(create=True, size=1 << 16).name

    names = [call(worker, forget).value for _ in range(2)]
    assert not any(Path("/dev/shm", name).exists() for name in names)


@pytest.mark.parametrize(("fails", "status"), [(False, 0), (True, 1)])
def test_a_forked_child_that_comes_back_from_the_cell_just_ends(worker: PythonWorker, fails: bool, status: int) -> None:
    def fork() -> int:
        if child := os.fork():
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return 1 // (not fails)

    result = call(worker, fork)
    assert (result.value, result.stderr.text) == (status, "")


@pytest.mark.parametrize("leave", [fork_and_leave, leave_in_a_session_of_its_own], ids=["forked", "own session"])
def test_children_of_a_killed_call_are_killed_with_it(worker: PythonWorker, leave: Callable[[], int]) -> None:
    abort = AbortHandle()
    result = call(
        worker, lambda: (print(leave()), spin_in_c()), abort=abort, grace=0, on_output=lambda *_: abort.abort()
    )
    assert result.killed
    child = int(result.stdout.text)
    assert eventually(lambda: gone(child))


def test_forked_children_of_a_crash_are_killed(worker: PythonWorker) -> None:
    result = call(worker, lambda: (print(fork_and_leave()), os.abort()))
    child = int(result.stdout.text)
    assert result.kind is CRASHED
    assert eventually(lambda: gone(child))


def test_no_descriptor_process_or_mapping_stays() -> None:
    before = descriptors()
    shared = shared_memory()
    pids = []
    for function in (lambda: np.ones(1 << 20), os.abort, spin):
        with PythonWorker({}) as worker:
            pids.append(worker.pid)
            result = call(worker, function, timeout=0.3, grace=0)
            del result
    assert descriptors() == before
    assert shared_memory() == shared
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "memfd:hotplate-" not in Path("/proc/self/maps").read_text("utf-8")


def test_a_start_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    worker = PythonWorker({})
    with pytest.raises(FileNotFoundError):
        worker.start()
    assert descriptors() == before
    assert not worker.alive


@pytest.mark.parametrize("noticed", [False, True])
def test_a_process_that_cannot_start_is_lost_with_what_it_said(tmp_path: Path, noticed: bool) -> None:
    with PythonWorker({"PYTHONHOME": str(tmp_path)}) as worker:
        assert not noticed or eventually(lambda: not worker.alive)
        result = call(worker, lambda: None)
    assert result.kind is OutcomeKind.LOST
    assert "could not start" in result.reason or "before the call" in result.reason
    assert "Python" in result.reason


CONTROLLER = """
import itertools, os, subprocess, sys, time
from hotplate.execute import AbortHandle
from hotplate.execute.workers.python.result import PortableFunction
from hotplate.execute.workers.python.worker import PythonWorker

def cell():
    print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
    {loop}

worker = PythonWorker({{}})
worker.start()
print(worker.pid, flush=True)
tell = lambda stream, data: print(data.decode(), end="", flush=True)
worker.call(PortableFunction.of(cell), {{}}, abort=AbortHandle(), on_output=tell)
"""


@pytest.mark.parametrize("loop", ["sum(itertools.repeat(0))", "__import__('time').sleep(60)"])
def test_a_worker_ends_with_its_controller(loop: str) -> None:
    with controller(CONTROLLER.format(loop=loop)) as process:
        pids = [int(process.stdout.readline()) for _ in range(2)]
        assert not any(map(gone, pids))
        process.kill()
    assert eventually(lambda: all(map(gone, pids)))


FORKING = """
import os, time
from hotplate.execute.workers.python.worker import PythonWorker

worker = PythonWorker({})
worker.start()
print(worker.pid, flush=True)
forked = os.fork()
if forked:
    print(forked, flush=True)
time.sleep(60)
"""


def test_a_fork_of_the_controller_does_not_keep_the_worker() -> None:
    with controller(FORKING) as process:
        worker, forked = (int(process.stdout.readline()) for _ in range(2))
        process.kill()
        try:
            assert eventually(lambda: gone(worker))
            assert not gone(forked)
        finally:
            os.kill(forked, signal.SIGKILL)


@contextmanager
def controller(script: str) -> Iterator[Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    with process:
        try:
            yield process
        finally:
            process.kill()
