/* page.h: the memory that a controller and one worker share for calls.
 *
 * The controller trusts nothing in it: a cell of the worker may write anywhere. Numbers are read once, then checked.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PAGE_H
#define HOTPLATE_PAGE_H

#include <stdint.h>

enum { HP_PROTOCOL = 1, HP_PAGE_BODY = 1 << 18, HP_CRASH_BYTES = 4096 };

/* How far a worker is with what it was asked to do last: what the outcome of its death says. */
enum {
    HP_STAGE_IDLE = 0,
    HP_STAGE_OPEN = 1,    /* dlopen, and with it the constructors of global objects */
    HP_STAGE_INIT = 2,    /* reading what the library says about its cell */
    HP_STAGE_RUN = 3,     /* the cell itself */
    HP_STAGE_PUBLISH = 4, /* after it returned, before its results count */
    HP_STAGE_CLOSE = 5    /* its end in order, and with it the destructors of global objects */
};

/* Each group of fields that one side writes has a cache line of its own: the other side spins on it. */
typedef struct hp_page {
    /* written by the controller */
    uint32_t called; /* the number of the newest call, which lies in `body` */
    uint32_t controller_sleeps;
    uint32_t spin_ns;             /* how long the worker may spin before it sleeps */
    int32_t controller_processor; /* where it was when it made the call */
    char padding_controller[48];
    /* written by the worker */
    uint32_t answered; /* the number of the newest answer, which lies in `body` */
    uint32_t worker_sleeps;
    int32_t stage;
    int32_t observed; /* the running cell has seen the request to stop */
    int64_t done;
    int64_t total;
    int32_t worker_processor; /* where it was when it gave the answer */
    char padding_worker[28];
    /* written by whoever asks to stop; cleared by the controller before a call */
    int32_t abort_word;
    char padding_abort[60];
    uint8_t crash[HP_CRASH_BYTES]; /* what the worker's signal handler found */
    uint8_t body[HP_PAGE_BODY];    /* a call, then its answer */
} hp_page;

#endif
