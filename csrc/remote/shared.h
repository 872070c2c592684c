/* shared.h: memory that several processes can map. The same functions for each system, in csrc/posix and csrc/win.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_SHARED_H
#define HOTPLATE_SHARED_H

#include <stdint.h>

typedef struct hp_shared {
    uint8_t *base;
    uint64_t size;
    int32_t descriptor;      /* on Windows a handle, of which 32 bits count; the same goes for the next one */
    int32_t read_descriptor; /* whoever maps this one can't write */
} hp_shared;

/* Makes sparse memory of this size and maps it. 0, or the system's number for what is wrong. */
int32_t hp_shared_map(hp_shared *memory, uint64_t size);
void hp_shared_unmap(hp_shared *memory);
/* Makes a range of a mapping usable, before anybody touches it: Windows promises no memory that it has not set aside,
 * elsewhere it does nothing. 0, or -1 when there is no memory. */
int32_t hp_shared_commit(void *address, uint64_t size);
/* Gives the pages of a range back to the system; what they hold afterwards is not defined. 0, or -1 when it keeps them. */
int32_t hp_shared_discard(hp_shared *memory, uint64_t offset, uint64_t size);
/* How large an arena is made: address space alone, but for what the system needs to keep track of it. */
uint64_t hp_shared_capacity(void);
/* Lets another thread run. */
void hp_yield(void);
/* Nanoseconds of a clock that only goes forward. */
int64_t hp_now(void);
/* How many processors this process may use. */
int32_t hp_processors(void);
/* The one that this thread is on right now. */
int32_t hp_this_processor(void);
/* How many forks lie between the process that first asked and this one. What was made before the latest is shared with
 * the parent, and its to change. */
uint32_t hp_forks(void);

#endif
