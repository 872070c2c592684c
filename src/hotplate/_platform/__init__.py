"""What differs between operating systems: files that must appear at once, process trees, locks, the processor.

One module for each system, with the same functions; this package picks the right one. It knows nothing of notebooks
or compilers.
"""

from __future__ import annotations

import sys

from hotplate._platform.signals import signal_name

if sys.platform == "win32":
    from hotplate._platform.windows import (
        fsync_directory,
        fsync_file,
        hold_directory,
        kill_tree,
        library_suffix,
        lock,
        native_threads,
        patiently,
        program_suffix,
        publish_directory,
        read_output,
        remove_tree,
        replace_file,
        retire_file,
        retire_tree,
        spawn,
        sweep_stale,
    )
    from hotplate._platform.windows_machine import (
        cpu_identity,
        divert_stdout,
        flush_c_streams,
        memory_size,
        unread_bytes,
        vector_level,
    )
    from hotplate._platform.windows_processes import boot_id, host_name, process_namespace, process_start
else:
    from hotplate._platform.posix import (
        cpu_identity,
        divert_stdout,
        flush_c_streams,
        fsync_directory,
        fsync_file,
        hold_directory,
        kill_tree,
        library_suffix,
        lock,
        memory_size,
        native_threads,
        patiently,
        program_suffix,
        publish_directory,
        read_output,
        remove_tree,
        replace_file,
        retire_file,
        retire_tree,
        spawn,
        sweep_stale,
        unread_bytes,
        vector_level,
    )
    from hotplate._platform.posix_processes import boot_id, host_name, process_namespace, process_start

__all__ = [
    "boot_id",
    "cpu_identity",
    "divert_stdout",
    "flush_c_streams",
    "fsync_directory",
    "fsync_file",
    "hold_directory",
    "host_name",
    "kill_tree",
    "library_suffix",
    "lock",
    "memory_size",
    "native_threads",
    "patiently",
    "process_namespace",
    "process_start",
    "program_suffix",
    "publish_directory",
    "read_output",
    "remove_tree",
    "replace_file",
    "retire_file",
    "retire_tree",
    "signal_name",
    "spawn",
    "sweep_stale",
    "unread_bytes",
    "vector_level",
]
