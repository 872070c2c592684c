/* process.h: a worker process, seen from its controller. The same functions for each system, in csrc/posix and csrc/win.
 *
 * Threads: one thread uses a process at a time, but for hp_process_wake and hp_process_kill, which any may call.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PROCESS_H
#define HOTPLATE_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hp_process hp_process;

/* What a wait saw, bit by bit. */
enum {
    HP_SAW_MESSAGE = 1, /* something can be received */
    HP_SAW_DEATH = 2,   /* the process has ended, or will never say anything again */
    HP_SAW_WAKE = 4,    /* hp_process_wake was called, or a signal came */
    HP_SAW_TIMEOUT = 8
};

/* What a worker is started with. */
typedef struct hp_start {
    const char *const *argv; /* argv[0] is the program's path */
    const char *const *environment;
    const char *folder; /* NULL: that of the controller */
    int32_t page;       /* descriptors that the worker gets; they stay the caller's */
    int32_t out;
    int32_t err;
} hp_start;

/* Starts a process in a group of its own. NULL on failure, with the system's number for it in *code. */
hp_process *hp_process_start(const hp_start *start, int32_t *code);
/* Frees what the controller holds. The process must have been reaped. */
void hp_process_free(hp_process *process);
int64_t hp_process_id(const hp_process *process);
/* A descriptor that becomes readable when the process has ended. Belongs to the process. */
int32_t hp_process_descriptor(const hp_process *process);

/* Sends a message of at most HP_MESSAGE_MAX bytes, with a descriptor unless it is -1. 0, or -1 when nobody listens. */
int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor);
/* Takes a message if there is one: its size, 0 when there is none, -1 when there never will be. */
int64_t hp_process_receive(hp_process *process, void *message, size_t capacity);
/* Blocks until something can be seen, or for so many nanoseconds (negative: without end). */
int32_t hp_process_wait(hp_process *process, int64_t nanoseconds);
/* Ends a wait under way, or the next one. */
void hp_process_wake(hp_process *process);
/* Kills the process and all of its group at once. Does nothing once it was reaped, nor in a child that was forked
 * off since. */
void hp_process_kill(hp_process *process);
/* Blocks until the process has ended, or for so many nanoseconds. */
void hp_process_join(hp_process *process, int64_t nanoseconds);
/* Takes the ended process away with what is left of its group. 1: *status is its exit code, or minus its signal;
 * `usage` is its time in user and system code in microseconds and its peak memory in KiB. 0: it has not ended. */
int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]);

#ifdef __cplusplus
}
#endif

#endif
