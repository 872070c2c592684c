/* blocks.h: what the files about arenas share: size classes, free blocks, and the lock. The caller holds the lock, but for
 * the size classes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_BLOCKS_H
#define HOTPLATE_REMOTE_BLOCKS_H

#include "remote/arena.h"
#include "remote/shared.h"
#include "remote/table.h"

/* Four size classes to a power of two, so at most a fifth of a block is wasted. */
enum { HP_CLASSES = 4 * 44, HP_LARGE_BLOCK = 1 << 16, HP_ARENA_PAGE = 4096 };

/* Free blocks of one class. The first ones are cold: their memory was given back to the system. */
typedef struct hp_block_list {
    uint64_t *offset;
    size_t cold;
    size_t count;
    size_t room;
} hp_block_list;

struct hp_arena {
    hp_shared memory;
    uint32_t number;
    uint32_t forks; /* of the process that made it; a later child of it may only read */
    int32_t released;
    uint64_t top; /* what lies behind was never used */
    hp_table used;
    hp_block_list free_list[HP_CLASSES];
    hp_region offered[HP_WIRE_MAX_REGIONS]; /* to the call under way; the last one is the end */
    int32_t noffered;
    hp_region *cut; /* what the call's results took of the end */
    size_t ncut;
    size_t cut_room;
};

/* Of all arenas, in bytes. */
typedef struct hp_arenas_bytes {
    uint64_t limit;
    uint64_t used;
    uint64_t free; /* and kept warm */
} hp_arenas_bytes;
extern hp_arenas_bytes hp_arenas_bytes_now;

void hp_arenas_lock(void);
void hp_arenas_unlock(void);

uint64_t hp_class_size(int32_t class);
/* The smallest one that is large enough, or the largest there is. */
int32_t hp_class_of(uint64_t bytes);
/* The next place for a block: those of many pages begin with one, so that their memory can go back to the system. */
uint64_t hp_class_align(uint64_t offset, int32_t class);

/* Makes a place a block in use. The table has room for it. */
void *hp_block_use(hp_arena *arena, uint64_t offset, int32_t class);
/* The same for a free block: the latest one, or one by its place. NULL: there is none. */
void *hp_block_use_latest(hp_arena *arena, int32_t class);
void *hp_block_use_at(hp_arena *arena, int32_t class, uint64_t offset);
/* Makes a block in use a free one. 0, or -1 when there is none at this place. */
int32_t hp_block_give_back(hp_arena *arena, uint64_t offset);
/* Whether the call under way may put a result in this free block. */
int32_t hp_block_is_offered(const hp_arena *arena, uint64_t offset);
/* Gives the memory of free blocks back to the system, but for those that are offered. Small ones share pages with
 * others, so they stay warm. */
void hp_blocks_trim(hp_arena *arena);
/* The same for all arenas, with the lock held. */
void hp_arenas_trim_held(void);

#endif
