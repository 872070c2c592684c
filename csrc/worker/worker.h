/* worker.h: what the files of the worker share.
 *
 * The worker is a program of its own: it loads the libraries of cells and calls them for a controller, which owns all
 * memory that outlives a call. One thread does all of it; another one waits for the controller's death.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WORKER_H
#define HOTPLATE_WORKER_H

#include "core/core.h"
#include "core/page.h"
#include "core/say.h"
#include "core/wire.h"

typedef struct hp_mapped {
    uint32_t number;
    int32_t writable;
    uint64_t size;
    uint8_t *base;
} hp_mapped;

typedef struct hp_opened {
    uint64_t number;
    hp_library *library;
} hp_opened;

typedef struct hp_worker {
    int32_t socket;
    uint64_t socket_inode;
    int64_t process; /* its own number: a child of a cell that comes back here is told by it */
    hp_page *page;
    uint32_t served; /* calls; a cell may have spoilt the page's word for it */
    hp_mapped *mapped;
    size_t nmapped;
    hp_opened *opened;
    size_t nopened;
    uint8_t *copy; /* the call under way: its text must outlive the page, where the answer goes */
    size_t copy_size;
} hp_worker;

/* ---- libraries and arenas ---- */

/* Each answers a message: writes the payload of the answer, and returns its kind. */
int32_t hp_worker_map(hp_worker *worker, hp_reader *reader, int32_t descriptor, hp_writer *answer);
int32_t hp_worker_open(hp_worker *worker, hp_reader *reader, hp_writer *answer);
hp_library *hp_worker_library(const hp_worker *worker, uint64_t number);
/* Where a range of an arena is mapped; NULL: nowhere, or not to be written to although it shall be. */
void *hp_worker_address(const hp_worker *worker, hp_place place, size_t size, int32_t writable);

/* ---- calls ---- */

/* Makes the call in the page and puts the answer there. */
void hp_worker_call(hp_worker *worker);

/* ---- arrays under AddressSanitizer: redzones.c ---- */

#if defined(__SANITIZE_ADDRESS__)
#define HP_REDZONES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HP_REDZONES 1
#endif
#endif

#if HP_REDZONES
typedef struct hp_guard {
    hp_tensor *tensor;
    void *lies; /* in shared memory */
    void *copy; /* on the heap; NULL: there is none */
    size_t size;
} hp_guard;

/* The values of a call; `guard` has zeroed room for one of each. */
typedef struct hp_guarded {
    hp_value *in;
    hp_value *out;
    int32_t nin;
    int32_t nout;
    const hp_state_block *state;
    hp_guard *guard;
} hp_guarded;

/* Bracket the cell's entry: its arrays lie on the heap meanwhile. */
void hp_redzones_begin(hp_guarded *call);
void hp_redzones_end(hp_guarded *call);
#endif

/* ---- what depends on the system ---- */

/* Maps the page and gets ready to serve; from now on, what a cell prints is seen while it runs. 0 on success. */
int32_t hp_worker_attach(hp_worker *worker);
/* A library was loaded, and maybe others with it. */
void hp_worker_loaded(void);
/* Takes a message, and a descriptor that came with it (-1: none). Returns its size, 0 when the controller is gone. */
size_t hp_worker_receive(hp_worker *worker, uint8_t *message, int32_t *descriptor);
void hp_worker_send(hp_worker *worker, int32_t kind, const uint8_t *payload, size_t size);
void *hp_worker_map_memory(int32_t descriptor, uint64_t size, int32_t writable);
/* Ends this process and all of its group as soon as the controller is gone, whatever a cell is doing. 0 on success. */
int32_t hp_worker_watch_controller(hp_worker *worker);
/* Ends the processes that a cell left behind. */
void hp_worker_end_children(void);
/* Ends this process if the user's code, which has just run, closed the descriptor that leads to the controller or put
 * another file in its place: now, so that it is blamed for it and not whoever runs next. */
void hp_worker_check_connection(const hp_worker *worker);
int64_t hp_worker_process(void);

#endif
