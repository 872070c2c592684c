/* core.h: the host's side of the cell interface, without Python. Shared by the Python process and every other host.
 *
 * Ownership: who makes a thing with hp_X_new frees it with hp_X_free. NULL is accepted by every free.
 * Threads: a host serves one call at a time; abort words and libraries may be used from any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_CORE_H
#define HOTPLATE_CORE_H

#include "hotplate.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */

/* ---- status ---- */

int32_t hp_abi_version(void);
/* The row of HP_STATUS_MAP: "OK", and what it means. NULL past the last one. */
const char *hp_status_name(int32_t status);
const char *hp_status_message(int32_t status);

/* ---- host: what stands behind the hp_ctx of one call ---- */

typedef struct hp_host hp_host;

/* A block that survives calls and reloads (hp_state). Owned by whoever keeps the cell's results. */
typedef struct hp_state_block {
    void *data;
    size_t size;
    uint32_t version;
    int32_t in_use; /* HP_STATE_FREE, HP_STATE_CALLED or HP_STATE_COPYING; changed atomically */
} hp_state_block;

/* NULL when there is no memory. `abort_word` must outlive the host. */
hp_host *hp_host_new(const volatile int32_t *abort_word);
void hp_host_free(hp_host *host);
/* The state block of the cell that is about to run; NULL: hp_state returns NULL. */
void hp_host_set_state(hp_host *host, hp_state_block *state);
/* How far the running call is. May be read from any thread at any time. */
void hp_host_progress(const hp_host *host, int64_t *done, int64_t *total);
/* Nonzero when the call saw the abort word set. */
int32_t hp_host_observed(const hp_host *host);
/* Calls of this thread use `host` until it is set to NULL again. */
void hp_host_enter(hp_host *host);

hp_state_block *hp_state_new(void);
void hp_state_free(hp_state_block *state);
/* Makes `to` what `from` is: bytes, size and version. Any thread. Returns HP_STATE_...; unless it is HP_STATE_COPIED,
 * nothing has changed. */
int32_t hp_state_copy(hp_state_block *to, hp_state_block *from);

/* ---- library: one loaded shared library ---- */

typedef struct hp_library hp_library;

/* Opens a library by its absolute path (on Windows in UTF-8), symbols bound now and local. NULL on failure, with the
 * system's words in `why` and its number for them in `code` (0 where it has none). */
hp_library *hp_library_open(const char *path, int32_t *code, char *why, size_t size);
/* The descriptor it exports as `hotplate_cell`; NULL when it has none. Valid until the library is closed. */
const hp_cell *hp_library_cell(const hp_library *library);
/* How many callables hold it. */
int64_t hp_library_leases(const hp_library *library);
/* Lets go of the library and frees the handle. Must not be called with leases left.
 * 1: unloaded. 0: the system keeps it mapped (unique symbols, thread-local destructors, nodelete, another handle). */
int32_t hp_library_close(hp_library *library);

/* ---- interrupt: Ctrl-C while native code runs ---- */

/* Makes SIGINT set the abort words below before it goes on to the handler that was there. Idempotent; call it on the
 * main thread, again whenever another handler may have been installed. 0 on success. */
int32_t hp_interrupt_arm(void);
/* SIGINT sets *word to 1, until it is unwatched. Returns 0, or -1 when there is no room for it. */
int32_t hp_interrupt_watch(volatile int32_t *word);
/* By the word, so that it can be undone whether or not it was done. */
void hp_interrupt_unwatch(const volatile int32_t *word);
/* Blocks until the next SIGINT, any thread. Returns how many there were so far, or -1 when it can't wait. */
int64_t hp_interrupt_wait(void);
/* The cell that the main thread is in (a direct call), its serial number in *serial; NULL when it is in none. */
const char *hp_interrupt_running(int64_t *serial, int32_t *polls);

/* ---- extents: the dimensions of one call ---- */

/* A step of an extent's program in postfix form. */
typedef struct hp_step {
    int32_t op; /* HP_STEP_... */
    int32_t symbol;
    int64_t value;
} hp_step;

/* The extent of one axis: `count` steps from `first`. */
typedef struct hp_axis {
    int32_t port;
    int32_t axis;
    int32_t first;
    int32_t count;
} hp_axis;

/* What is wrong with a call's dimensions. */
typedef struct hp_conflict {
    int32_t kind;   /* HP_CONFLICT_... */
    int32_t port;   /* where it shows */
    int32_t axis;
    int32_t symbol; /* the dimension, or -1 */
    int32_t other;  /* the port that fixed it first, or -1 */
    int64_t wanted;
    int64_t found;
} hp_conflict;

/* cffi: end */

enum { HP_STATE_FREE = 0, HP_STATE_CALLED = 1, HP_STATE_COPYING = 2 };
enum { HP_STATE_COPIED = 0, HP_STATE_IN_USE = 1, HP_STATE_NO_MEMORY = 2 };

enum { HP_STEP_CONST = 0, HP_STEP_SYMBOL = 1, HP_STEP_ADD = 2, HP_STEP_SUB = 3, HP_STEP_MUL = 4, HP_STEP_DIV = 5 };
enum {
    HP_CONFLICT_NONE = 0,
    HP_CONFLICT_EXTENT = 1,  /* an axis has `found` where `wanted` must be */
    HP_CONFLICT_UNKNOWN = 2, /* nothing fixes `symbol` */
    HP_CONFLICT_VALUE = 3    /* an extent is negative, overflows or divides by zero; `found` is it when it is negative */
};

/* The dimensions of one call while they are being bound. `source[i]` is the port that fixed symbol i: -1 none yet,
 * HP_SOURCE_CONSTANT a constant of the notebook. */
enum { HP_SOURCE_NONE = -1, HP_SOURCE_CONSTANT = -2 };
typedef struct hp_binding {
    const hp_step *steps;
    int64_t *value;
    int32_t *source;
    int32_t nsymbols;
} hp_binding;

/* Fixes a symbol, or checks it against what fixed it earlier. Returns a HP_CONFLICT_ code. */
int32_t hp_bind_symbol(hp_binding *binding, int32_t symbol, int64_t value, int32_t port, hp_conflict *conflict);
/* Binds the axes of the arguments: plain symbols first, then expressions, solving those with one unknown that are
 * linear in it. `extent[i]` is the length found at axes[i]. */
int32_t hp_bind_axes(hp_binding *binding, const hp_axis *axes, int32_t naxes, const int64_t *extent, hp_conflict *conflict);
/* The value of an axis whose symbols are all fixed. */
int32_t hp_extent(const hp_binding *binding, const hp_axis *axis, int64_t *extent, hp_conflict *conflict);

/* ---- for the callers inside the core ---- */

struct hp_library {
    void *handle;
    char *path;
    int64_t leases; /* changed with the interpreter lock held */
    const hp_cell *described; /* of a library that workers have loaded; else NULL */
    uint64_t number;    /* what workers call it; 0: it is loaded here */
};

enum { HP_MESSAGE_SIZE = 4096 };

struct hp_host {
    hp_ctx ctx; /* first, so that a cell's hp_ctx * is its host */
    volatile int64_t done;
    volatile int64_t total;
    hp_state_block *state;
    hp_state_block replaced; /* what `state` was before this call gave it another layout; no data: it did not */
    struct hp_block *scratch;
    /* Memory for results that the cell sizes: private here, shared in a worker. free_result takes NULL. */
    void *(*new_result)(hp_host *host, size_t bytes);
    void (*free_result)(hp_host *host, void *data);
    int32_t busy;
    int32_t holds_state;
    int32_t out_of_memory;
    int32_t bad_result;
    char message[HP_MESSAGE_SIZE];
};

/* Prepares a host; the verdict on a call; and its end, with how it ended: scratch memory is freed, and unless that is
 * HP_OK, a state that the call replaced is put back. */
void hp_host_init(hp_host *host, const volatile int32_t *abort_word);
void hp_host_begin(hp_host *host);
int32_t hp_host_verdict(const hp_host *host, int32_t status);
void hp_host_end(hp_host *host, int32_t status);
/* The host that hp_host_enter chose for this thread; NULL: none. */
hp_host *hp_host_current(void);

/* Memory aligned to 64 bytes; NULL when there is none. */
void *hp_aligned_new(size_t bytes);
void hp_aligned_free(void *memory);
/* The same with room for a link before it, so that it can be chained: scratch, and states. */
void *hp_memory_new(size_t bytes);
void hp_memory_free(void *memory);
void hp_memory_chain(struct hp_block **chain, void *memory);
void hp_memory_free_chain(struct hp_block **chain);

/* The functions `state` and `state_before` of hp_ctx, and what the end of a call means for them. */
void *hp_host_state(hp_ctx *ctx, size_t bytes, uint32_t version);
void *hp_host_state_before(hp_ctx *ctx, size_t bytes, uint32_t version, hp_before *before);
void hp_host_settle_state(hp_host *host, int32_t status);

/* Takes a state for a call, unless another call has it, and gives it back. A copy is over soon, so it is waited for. */
int32_t hp_state_take(hp_state_block *state);
void hp_state_give_back(hp_state_block *state);

/* The abort word of direct calls on the main thread, or NULL on any other thread. Bracket the call with these. */
const volatile int32_t *hp_interrupt_enter(const hp_cell *cell);
void hp_interrupt_leave(void);
/* On the main thread: whether a SIGINT that set the words may still be on its way to the handler that was there before.
 * let_pass waits until it has arrived, a second at most; watch and unwatch do so by themselves. */
int32_t hp_interrupt_on_its_way(void);
void hp_interrupt_let_pass(void);

#ifdef __cplusplus
}
#endif

#endif
