"""Why a library can't be unloaded: rules over what its file says. Pure.

dlclose pulls code away under whoever still refers to it, and nobody can ask a process for all such references. But a
cell's library can give them away only through functions that it imports, so what it does not import it can't have done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hotplate.load.elf import LibraryFile


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps a library mapped, and what its author can change."""

    reason: str
    remedy: str
    permanent: bool
    """Whether it will never be unloaded; else it may be once the obstacle is gone."""


OPENMP_RUNTIMES = frozenset({"libgomp.so.1", "libomp.so", "libomp.so.5", "libiomp5.so"})
_HARMLESS = OPENMP_RUNTIMES | {
    "libc.so.6",
    "libm.so.6",
    "libmvec.so.1",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}
"""Libraries that run a cell's code on other threads only through the functions below, or not beyond the call: an OpenMP
region ends when all its threads have left the cell's code, though the threads stay."""

_STARTS_THREADS = """
    pthread_create thrd_create clone clone3 syscall dlsym dlopen dlmopen timer_create mq_notify getaddrinfo_a
    aio_read aio_read64 aio_write aio_write64 aio_fsync aio_fsync64 lio_listio lio_listio64
"""
_STARTS_THREADS_PREFIXES = {
    "_ZNSt6thread15_M_start_thread": "std::thread",
    "GOMP_target": "an OpenMP target region",  # with `nowait` it may go on after the call
    "__tgt_": "an OpenMP target region",
    "__kmpc_omp_target_task_alloc": "an OpenMP target region",
}
_HANDLERS = {
    "signal handler": "signal sigaction sigset __sysv_signal bsd_signal",
    "destructor of thread-specific data": "pthread_key_create tss_create",
    "handler of C++": "_ZSt13set_terminatePFvvE _ZSt15set_new_handlerPFvvE",
    "exit function": "on_exit",
}
"""What a function registers for good, by its name; `atexit` is not among them, for dlclose runs and forgets those."""


def registered_handler(file: LibraryFile | None) -> Obstacle | None:
    """A function of the library that the process may call at any time."""
    for what, names in _HANDLERS.items():
        for name in names.split():
            if file is not None and name in file.imports:
                reason = f"it may have registered a {what} ({name})"
                return Obstacle(reason, f"leave {name} to the program, outside of cells", permanent=True)
    return None


def thread_obstacle(file: LibraryFile | None, started: int) -> Obstacle | None:
    """What to make of native threads that were started since the library was loaded."""
    if not started or not (means := _way_to_threads(file)):
        return None
    return Obstacle(
        f"{started} native thread(s) started since it was loaded may run its code ({means})",
        "join its threads before the cell returns",
        permanent=False,
    )


def refused_unload(file: LibraryFile | None) -> Obstacle:
    """Why the system kept a library that was closed."""
    if file is not None and any(name.startswith("__cxa_thread_atexit") for name in file.imports):
        return Obstacle(
            "it has thread-local variables with destructors",
            "make them trivially destructible, or keep what they hold in hp_state",
            permanent=True,
        )
    return Obstacle(
        "the system keeps it mapped (unique symbols, nodelete, or another handle)",
        "leave out linker flags such as -z nodelete",
        permanent=True,
    )


def _way_to_threads(file: LibraryFile | None) -> str:
    """How the library could get its code onto another thread that outlives a call; "": in no way."""
    if file is None:
        return "what it imports can't be read"
    if used := sorted(file.imports.intersection(_STARTS_THREADS.split())):
        return f"it uses {used[0]}"
    for prefix, what in _STARTS_THREADS_PREFIXES.items():
        if any(name.startswith(prefix) for name in file.imports):
            return f"it uses {what}"
    return next((f"it is linked to {name}" for name in sorted(file.needed - _HARMLESS)), "")
