/* arena.h: shared memory for arrays, owned by the controller and recycled warm: touching a new page costs a hundred
 * times what writing to a known one does.
 *
 * An arena is a sparse memfd that the controller maps once. Blocks of it are handed out by size class; what is known of
 * them is kept in private memory, where no worker can spoil it.
 *
 * Threads: any, but for hp_arena_regions, _claim and _withdraw, which belong to the one who calls the arena's worker.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_ARENA_H
#define HOTPLATE_ARENA_H

#include "core/wire.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */

typedef struct hp_arena hp_arena;

/* A new arena. NULL when there is no memory, with the system's number for the reason in *code. */
hp_arena *hp_arena_new(int32_t *code);
/* The owner needs it no more. It goes with its last block. */
void hp_arena_release(hp_arena *arena);
uint32_t hp_arena_number(const hp_arena *arena);
/* Descriptors of its memory: for the one who may write, and for readers. They belong to the arena. */
int32_t hp_arena_descriptor(const hp_arena *arena, int32_t writable);
uint64_t hp_arena_capacity(const hp_arena *arena);

/* A block, aligned to 64 bytes. NULL when the limit of all arenas would be exceeded. Its bytes are whatever they were. */
void *hp_arena_block(hp_arena *arena, size_t bytes);
/* Gives a block back, to be used again. NULL, and what lies in no arena, is ignored. */
void hp_block_free(void *block);
/* Frees an array that a cell allocated through hp_out, in this process or in a worker. */
void hp_array_free(void *data);

/* How much all arenas together may take, and do: blocks in use, and free ones that are kept warm. In bytes. */
void hp_arenas_limit(uint64_t bytes);
void hp_arenas_usage(uint64_t *limit, uint64_t *used, uint64_t *free_bytes, int32_t *count);
/* Gives the memory of free blocks back to the system. */
void hp_arenas_trim(void);

/* Which arena an address lies in, and where in it; NULL: in none. */
hp_arena *hp_arena_find(const void *address, uint64_t *offset);

/* cffi: end */

/* Memory that a worker may use for results whose size it alone knows: free blocks, each for one, then the unused end.
 * Returns how many regions. They are the worker's until hp_arena_withdraw, or until hp_arena_block takes of the end. */
int32_t hp_arena_regions(hp_arena *arena, hp_region regions[HP_WIRE_MAX_REGIONS]);
/* Makes a block of what the worker left at such a place, in any order, without a copy where it can. A block is larger than
 * asked for, by a quarter or up to 64 bytes: the worker leaves as much, and begins what has 4096 bytes or more at a
 * multiple of that. NULL when it lies in none of the regions, or in one that is taken. */
void *hp_arena_claim(hp_arena *arena, uint64_t offset, size_t bytes);
/* Ends the offer: what was not claimed is free again. `is_spoilt`: so is what the worker may have left behind the end. */
void hp_arena_withdraw(hp_arena *arena, int32_t is_spoilt);
/* Whether this process made it. A child that was forked off since can read what lies in it; it can't take blocks, and
 * what it frees stays, for the parent may have it. */
int32_t hp_arena_is_own(const hp_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
