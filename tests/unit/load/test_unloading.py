"""What keeps a library from being unloaded, by what its file says; and the limit on what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotplate.errors import SettingError
from hotplate.load import KeptLibrary, KeptLimit
from hotplate.load.elf import LibraryFile
from hotplate.load.kept import kept_limit, limit_warning
from hotplate.load.unloading import refused_unload, registered_handler, thread_obstacle

LIBC = frozenset({"libc.so.6", "libm.so.6", "libstdc++.so.6"})


def library(*imports: str, needed: frozenset[str] = LIBC) -> LibraryFile:
    return LibraryFile(frozenset({"malloc", "sin", *imports}), needed, 20480, 16)


# Threads


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ("pthread_create", "pthread_create"),
        ("thrd_create", "thrd_create"),
        ("_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE", "std::thread"),
        ("timer_create", "timer_create"),
        ("dlsym", "dlsym"),
        ("GOMP_target_ext", "an OpenMP target region"),
        ("__tgt_target_kernel", "an OpenMP target region"),
    ],
)
def test_new_threads_hold_a_library_that_can_start_some(imports: str, said: str) -> None:
    obstacle = thread_obstacle(library(imports), 2)
    assert obstacle is not None
    assert obstacle.reason == f"2 native thread(s) started since it was loaded may run its code (it uses {said})"
    assert not obstacle.permanent


@pytest.mark.parametrize("imports", ["GOMP_parallel", "omp_get_num_threads", "__kmpc_fork_call", "pthread_mutex_lock"])
def test_new_threads_do_not_hold_a_library_that_can_not_start_any(imports: str) -> None:
    needed = LIBC | {"libgomp.so.1", "libomp.so.5"}
    assert thread_obstacle(library(imports, needed=needed), 2) is None


def test_new_threads_hold_a_library_that_is_linked_to_an_unknown_one() -> None:
    obstacle = thread_obstacle(library(needed=LIBC | {"libtbb.so.12"}), 1)
    assert obstacle is not None
    assert "it is linked to libtbb.so.12" in obstacle.reason


def test_new_threads_hold_a_library_whose_file_can_not_be_read() -> None:
    obstacle = thread_obstacle(None, 1)
    assert obstacle is not None
    assert "what it imports can't be read" in obstacle.reason


@pytest.mark.parametrize("file", [None, library("pthread_create")])
def test_without_new_threads_nothing_is_held(file: LibraryFile | None) -> None:
    assert thread_obstacle(file, 0) is None


# Handlers


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("signal", "signal handler"),
        ("sigaction", "signal handler"),
        ("pthread_key_create", "destructor of thread-specific data"),
        ("_ZSt13set_terminatePFvvE", "handler of C++"),
        ("on_exit", "exit function"),
    ],
)
def test_a_library_that_can_register_a_function_for_good_stays(name: str, what: str) -> None:
    obstacle = registered_handler(library(name))
    assert obstacle is not None
    assert obstacle.reason == f"it may have registered a {what} ({name})"
    assert name in obstacle.remedy
    assert obstacle.permanent


@pytest.mark.parametrize("name", ["atexit", "__cxa_atexit", "raise", "pthread_create", "qsort"])
def test_other_functions_register_nothing_that_dlclose_does_not_forget(name: str) -> None:
    assert registered_handler(library(name)) is None


# What the system refuses


def test_the_reason_why_the_system_keeps_a_library_is_told_as_far_as_it_shows() -> None:
    assert refused_unload(library("__cxa_thread_atexit")).reason == "it has thread-local variables with destructors"
    assert "nodelete" in refused_unload(library()).reason
    assert "nodelete" in refused_unload(None).reason


# The limit


def kept(count: int, size: int = 20480, cell: str = "u1") -> list[KeptLibrary]:
    obstacle = refused_unload(library("__cxa_thread_atexit"))
    return [KeptLibrary(Path(f"{cell}-{i}.so"), cell, obstacle, size) for i in range(count)]


@pytest.mark.parametrize(
    ("count", "size", "exceeded"), [(0, 0, False), (10, 1, False), (11, 1, True), (2, 50, False), (2, 51, True)]
)
def test_a_limit_is_exceeded_by_versions_or_by_bytes(count: int, size: int, exceeded: bool) -> None:
    assert KeptLimit(10, 100).exceeded_by(kept(count, size)) == exceeded


def test_the_number_of_versions_is_a_setting() -> None:
    assert kept_limit({}) == KeptLimit()
    assert kept_limit({"HOTPLATE_KEPT_LIBRARIES": " 12 "}) == KeptLimit(versions=12)
    assert kept_limit({"HOTPLATE_KEPT_LIBRARIES": "0"}).exceeded_by(kept(1))


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "10M", "²"])
def test_another_setting_is_an_error_that_says_what_to_give(text: str) -> None:
    with pytest.raises(SettingError, match=r"^HOTPLATE_KEPT_LIBRARIES is .*; give one such as 200$"):
        kept_limit({"HOTPLATE_KEPT_LIBRARIES": text})


def test_the_warning_says_how_much_why_and_the_way_out() -> None:
    blocked = thread_obstacle(library("pthread_create"), 1)
    assert blocked is not None
    some = [*kept(3, 1 << 20), *kept(2, 1 << 20, "u2"), KeptLibrary(Path("v.so"), "v", blocked, 1 << 20)]
    assert limit_warning(some, KeptLimit(4)) == (
        "6 old versions of cells stay in memory (6.0 MiB), more than 4 or 256 MiB:\n"
        "  5 of u1, u2: it has thread-local variables with destructors; make them trivially destructible, or keep what "
        "they hold in hp_state\n"
        "  1 of v: 1 native thread(s) started since it was loaded may run its code (it uses pthread_create); join its "
        "threads before the cell returns\n"
        "A new process starts without them. HOTPLATE_KEPT_LIBRARIES sets how many may stay before this is said, once."
    )
