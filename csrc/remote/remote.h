/* remote.h: a worker as its controller uses it: messages and calls, deadlines and kills.
 *
 * Threads: one thread uses a worker at a time, but for hp_remote_abort and hp_remote_kill, which any may call.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_H
#define HOTPLATE_REMOTE_H

#include "core/core.h"
#include "remote/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */

typedef struct hp_remote hp_remote;

/* How the wait for an answer ended. */
typedef struct hp_waited {
    int32_t ending;    /* HP_ENDED_... */
    int32_t reason;    /* HP_REASON_...: why it was asked to stop */
    int32_t killed;    /* the worker had to be killed */
    int64_t nanoseconds; /* from the call to its end, before the death was waited for */
    int64_t asked;       /* when it was asked to stop, from the call on; -1: it was not */
} hp_waited;

/* Starts the program argv[0] as a worker in a process group of its own. `out` and `err` are what it writes to; `arena`
 * is where its results go, and has to outlive it. NULL on failure, with the system's number for it in *code. */
hp_remote *hp_remote_start(const char *const *argv, const char *const *environment, const char *folder, int32_t out,
                           int32_t err, hp_arena *arena, int32_t *code);
/* Frees it. The process must have been reaped. */
void hp_remote_free(hp_remote *remote);
int64_t hp_remote_process(const hp_remote *remote);
/* Readable when the process has ended; -1 where there is no such thing. */
int32_t hp_remote_descriptor(const hp_remote *remote);

/* Sends a message with a payload and a descriptor (-1: none) and waits for the answer, whose payload goes to `answer`.
 * `answer` has room for HP_MESSAGE_MAX bytes; NULL: it is of no interest. Returns the answer's kind and its size in *size; 0
 * when the worker has died or did not answer within the time, and was killed. A negative time is without end. Between
 * hp_remote_enter and its end, a request to stop holds for messages too. */
int32_t hp_remote_ask(hp_remote *remote, int32_t kind, const void *payload, size_t payload_size, int32_t descriptor,
                      int64_t nanoseconds, uint8_t *answer, size_t *size, hp_waited *waited);

/* Asks the running call to stop; after its grace the worker is killed. The first reason counts. */
void hp_remote_abort(hp_remote *remote, int32_t reason);
/* Kills the worker and its group at once. */
void hp_remote_kill(hp_remote *remote);
/* 1 when it has ended and was taken away: *status is its exit code, or minus its signal; usage is its time in user and
 * in system code in microseconds, and its peak memory in KiB. 0: it has not ended. Waits for it that long. */
int32_t hp_remote_reap(hp_remote *remote, int64_t nanoseconds, int32_t *status, int64_t *usage);

/* The words that its cells read through hp_check, how far the running one is, how far the worker is with what it does
 * (HP_STAGE_...), and what its signal handler found (HP_CRASH_BYTES). They live as long as the remote. */
int32_t *hp_remote_abort_word(hp_remote *remote);
void hp_remote_progress(const hp_remote *remote, int64_t *done, int64_t *total);
int32_t hp_remote_observed(const hp_remote *remote);
int32_t hp_remote_stage(const hp_remote *remote);
const uint8_t *hp_remote_crash(const hp_remote *remote);

/* Calls of cells that are not in this process, made by this thread, go to this worker, with so many nanoseconds for the
 * call (negative: without end) and from the request to stop to the kill; NULL: to none. How the latest ended is in
 * `waited`. A request to stop that came before this is forgotten. */
void hp_remote_enter(hp_remote *remote, int64_t timeout, int64_t grace, hp_waited *waited);
/* What this thread entered; NULL: nothing. */
hp_remote *hp_remote_entered(void);
/* Between hp_remote_enter and its end: has the worker map the memory for its results, which else is part of its first
 * call. 0 when the worker is gone. */
int32_t hp_remote_prepare(hp_remote *remote);
/* Where a worker's results go. */
hp_arena *hp_remote_arena(const hp_remote *remote);

/* A cell by its description, whose calls go to workers, which know its library by `number`. NULL when the bytes are no
 * description. For hp_library_remote_free, when no lease is left. */
hp_library *hp_library_remote(const uint8_t *description, size_t size, uint64_t number);
void hp_library_remote_free(hp_library *library);

/* cffi: end */

enum { HP_ENDED_ANSWER = 1, HP_ENDED_DEATH = 2, HP_ENDED_NONSENSE = 3 };
enum { HP_REASON_NONE = 0, HP_REASON_TIMEOUT = 1, HP_REASON_ABORT = 2, HP_REASON_KILL = 3 };

/* ---- for the callers inside the core ---- */

/* What hp_remote_run returns besides a status of the cell. */
enum {
    HP_REMOTE_GONE = 100,  /* the worker is no more, or has to go; see hp_waited */
    HP_REMOTE_NONE = 101,  /* this thread entered no worker */
    HP_REMOTE_FULL = 102,  /* the arguments don't fit into the page */
    HP_REMOTE_MEMORY = 103 /* the limit of shared memory is reached */
};

/* One call of a cell that workers have loaded. */
typedef struct hp_remote_call {
    const hp_library *library;
    const hp_value *in;
    hp_value *out;
    const int32_t *form; /* of each output: HP_PORT_...; a record that is returned is a tensor and counts as HP_PORT_ARRAY */
    int32_t nin;
    int32_t nout;
    hp_state_block *state;
    char *message; /* HP_MESSAGE_SIZE bytes: what the cell said */
    void *(*unlock)(void); /* gives the interpreter lock away for the wait, and takes it again */
    void (*lock)(void *unlocked);
} hp_remote_call;

/* Makes the call in the worker that this thread entered, with the interpreter lock held. Blocks until it is answered or
 * the worker is dead, so that no memory of the call is written to afterwards. Text in `out` is for free(). */
int32_t hp_remote_run(hp_remote_call *call);

#ifdef __cplusplus
}
#endif

#endif
