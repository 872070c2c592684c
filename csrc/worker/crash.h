/* crash.h: what a worker leaves behind when a signal kills it: which, where, and the calls that led there.
 *
 * The record lies in memory that the controller shares and reads once the worker is dead, so it is plain and of fixed
 * size: addresses as they were in the worker, and where the libraries lay that they belong to.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WORKER_CRASH_H
#define HOTPLATE_WORKER_CRASH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HP_CRASH_FRAMES = 32, HP_CRASH_MODULES = 64, HP_CRASH_OTHERS = 6, HP_CRASH_NAME = 80 };

/* `filled`: how far the handler came. Set last, with release order. */
enum { HP_CRASH_EMPTY = 0, HP_CRASH_BASICS = 1, HP_CRASH_COMPLETE = 2 };
enum { HP_ACCESS_UNKNOWN = 0, HP_ACCESS_READ = 1, HP_ACCESS_WRITE = 2, HP_ACCESS_EXECUTE = 3 };

/* A library's place in memory, from its first segment to the end of its last; `size` 0: none. */
typedef struct hp_module {
    uint64_t base;
    uint64_t size;
} hp_module;

/* A library that the controller did not name and that a frame lies in: the C library, OpenMP's, or a cell's that is
 * just being opened. `name` is the end of its path. */
typedef struct hp_other_module {
    hp_module where;
    char name[HP_CRASH_NAME];
} hp_other_module;

typedef struct hp_crash {
    uint32_t filled;
    int32_t signal;
    int32_t code;        /* si_code */
    int32_t access;      /* HP_ACCESS_ */
    uint64_t address;    /* si_addr; 0 for a signal that was sent */
    uint64_t pc;
    uint64_t sp;
    uint64_t stack_low;  /* the stack of the thread that calls the cells; 0: the crash was in another, or not known */
    uint64_t stack_high;
    int32_t main_thread; /* 1: the thread that calls the cells */
    int32_t sender;      /* the process that sent the signal; 0: nobody did, it is a fault */
    int32_t system_call; /* the one that was refused (SIGSYS), else -1 */
    int32_t frame_count;
    uint64_t frames[HP_CRASH_FRAMES]; /* [0] is where it happened, the others are return addresses */
    hp_module modules[HP_CRASH_MODULES];
    hp_other_module others[HP_CRASH_OTHERS];
} hp_crash;

/* Clears *record. From now on, a fault of this process or an abort fills it before it ends the process. Call it on the
 * thread that will call the cells, before any of their code is there. A handler that is installed already (a
 * sanitizer's) stays; so does one that a cell installs later. A child that a cell forks dies as it would without.
 * 0 on success, -1 with errno otherwise. */
int32_t hp_crash_arm(hp_crash *record);

/* Notes where the library lies that the controller knows by this slot; size 0: nowhere any more. Out of range: does
 * nothing, and the library is found by its name. */
void hp_crash_module(hp_crash *record, int32_t slot, uint64_t base, uint64_t size);
/* The same for the library that `address` is part of, such as its descriptor's. -1 when it is part of none. */
int32_t hp_crash_module_at(hp_crash *record, int32_t slot, const void *address);
/* Writes down the libraries that frames lie in and no slot has. For the handler. */
void hp_crash_name_others(hp_crash *record);

#ifdef __cplusplus
}
#endif

#endif
