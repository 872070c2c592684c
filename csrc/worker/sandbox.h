/* sandbox.h: takes away from a worker what its policy does not leave it, before any user code runs.
 *
 * Ownership: nothing is kept; both structs are the caller's.
 * Threads: hp_sandbox_apply is for the main thread, before any other thread starts and before any user library is
 *   opened: most of what it does holds for the calling thread and for what that thread starts later.
 * Platform: Linux on x86-64 and aarch64. Elsewhere nothing can be enforced, and what is required is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WORKER_SANDBOX_H
#define HOTPLATE_WORKER_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What can be controlled. Appended to only; hotplate.execute.workers.policy has the same list.
 *
 * FILESYSTEM  only the listed paths and what the C library needs can be read, only those listed written; nowhere can
 *             owners, modes, times and extended attributes be changed
 * NETWORK     no sockets but pairs; descriptors that are open already go on working
 * PROCESSES   no new processes or programs; threads are fine
 * PEERS       other processes can't be signalled, traced, read, limited or given another priority; no System V memory, no
 *             POSIX queues
 * MEMORY      private memory of the process, up to `memory_bytes`. Stacks of threads count; that of the main thread, and
 *             arenas, do not, but it can't be made larger. Files in memory (/dev/shm, /dev/zero) are left to FILESYSTEM
 *             and FILE_SIZE
 * CPU         the process ends with SIGXCPU after `cpu_seconds` of processor time, counted over its whole life
 * FILE_SIZE   no file grows beyond `file_bytes`; a write beyond it fails with EFBIG
 * CORE_DUMPS  a crash writes none
 * GROUP       neither the worker nor its children leave its process group, so that one kill reaches them all, and no
 *             program gains privileges. Always asked for: HP_ALLOW counts as HP_PREFER
 *
 * Where processes are allowed, MEMORY and CPU hold for each of them, not for their sum. */
#define HP_CONTROL_MAP(XX)           \
    XX(FILESYSTEM, "filesystem")     \
    XX(NETWORK, "network")           \
    XX(PROCESSES, "processes")       \
    XX(PEERS, "peers")               \
    XX(MEMORY, "memory")             \
    XX(CPU, "cpu")                   \
    XX(FILE_SIZE, "file_size")       \
    XX(CORE_DUMPS, "core_dumps")     \
    XX(GROUP, "group")

typedef enum hp_control {
#define XX(NAME, name) HP_CONTROL_##NAME,
    HP_CONTROL_MAP(XX)
#undef XX
    HP_CONTROLS
} hp_control;

/* How much a control is wanted. */
enum {
    HP_ALLOW = 0,  /* not at all */
    HP_PREFER = 1, /* where it can be had */
    HP_REQUIRE = 2 /* else nothing may run */
};

#define HP_POLICY_PATHS 8192

/* What a worker may do. It travels as its bytes up to the end of the paths in use: see hp_policy_read. */
typedef struct hp_policy {
    uint32_t size;               /* of all before `paths`, so that a policy of another version is refused */
    uint32_t level[HP_CONTROLS]; /* HP_ALLOW, HP_PREFER or HP_REQUIRE, by hp_control */
    uint64_t memory_bytes;
    uint64_t cpu_seconds;
    uint64_t file_bytes;
    uint32_t readable_size; /* bytes of `paths` that list what may be read and executed */
    uint32_t writable_size; /* bytes after those, that list what may be read and written */
    /* Absolute paths of files and directories, each ended by a NUL; a directory means all that is in it. One that does
     * not exist is left out and counted. */
    char paths[HP_POLICY_PATHS];
} hp_policy;

/* What became of a control. */
enum {
    HP_OPEN = 0,     /* it was allowed, and nothing is enforced */
    HP_ENFORCED = 1, /* all of it */
    HP_PARTLY = 2,   /* there are known ways around it */
    HP_MISSING = 3   /* none of it */
};

/* What enforces it; bits. */
enum { HP_BY_LIMIT = 1, HP_BY_LANDLOCK = 2, HP_BY_SECCOMP = 4, HP_BY_PRIVILEGES = 8 };

/* Why it is not enforced in full. */
enum {
    HP_WHY_NONE = 0,
    HP_WHY_SYSTEM = 1,  /* a system call failed; `detail` is its errno */
    HP_WHY_LANDLOCK = 2, /* the kernel's Landlock is too old; `detail` is the version of its interface that it takes */
    HP_WHY_MACHINE = 3  /* not on this operating system or processor */
};

typedef struct hp_enforcement {
    uint32_t state; /* HP_OPEN ... HP_MISSING */
    uint32_t by;    /* HP_BY_... */
    uint32_t why;   /* HP_WHY_... */
    int32_t detail;
} hp_enforcement;

/* What is in force. Travels as it is. */
typedef struct hp_enforced {
    uint32_t size;
    int32_t landlock; /* the version of Landlock's interface; 0: there is none */
    uint32_t paths_missing;
    int32_t refused; /* what hp_sandbox_apply returned */
    hp_enforcement control[HP_CONTROLS];
} hp_enforced;

/* Reads a policy from the bytes of a message. 0, or EINVAL for what is no policy of this version; every length, level
 * and path is checked. */
int32_t hp_policy_read(hp_policy *policy, const void *bytes, size_t size);

/* Puts a policy in force. 0: all that is required is. -1: the policy makes no sense, and nothing was done. Else 1 + the
 * first hp_control that is required and can't be had: the process may be half closed, so it reports and ends. */
int32_t hp_sandbox_apply(const hp_policy *policy, hp_enforced *enforced);

/* "filesystem" for HP_CONTROL_FILESYSTEM; NULL past the last one. */
const char *hp_control_name(int32_t control);

#ifdef __cplusplus
}
#endif

#endif
