/* blocks.c: blocks of an arena by size class. A block goes back and forth between the table of blocks in use and the list
 * of free ones of its class.
 */
#include "remote/blocks.h"

#include <stdlib.h>

enum { ALIGNMENT = 64, STEPS = 4 };

hp_arenas_bytes hp_arenas_bytes_now = {UINT64_MAX, 0, 0};

/* ---- size classes ---- */

uint64_t hp_class_size(int32_t class) { return (uint64_t)(STEPS + class % STEPS) * (ALIGNMENT / STEPS) << (class / STEPS); }

int32_t hp_class_of(uint64_t bytes) {
    int32_t class = 0;
    while (class < HP_CLASSES - 1 && hp_class_size(class) < bytes) class++;
    return class;
}

uint64_t hp_class_align(uint64_t offset, int32_t class) {
    const uint64_t unit = hp_class_size(class) >= HP_LARGE_BLOCK ? HP_ARENA_PAGE : ALIGNMENT;
    return (offset + unit - 1) & ~(unit - 1);
}

/* ---- blocks ---- */

/* Takes a block off its list: the last one fills the gap, and of the cold ones the last cold one. */
static uint64_t pull(hp_block_list *list, size_t at, int32_t class) {
    const uint64_t offset = list->offset[at];
    if (at < list->cold) {
        list->offset[at] = list->offset[--list->cold];
        at = list->cold;
    } else {
        hp_arenas_bytes_now.free -= hp_class_size(class);
    }
    list->offset[at] = list->offset[--list->count];
    return offset;
}

void *hp_block_use(hp_arena *arena, uint64_t offset, int32_t class) {
    hp_table_add(&arena->used, offset, class);
    hp_arenas_bytes_now.used += hp_class_size(class);
    return arena->memory.base + offset;
}

void *hp_block_use_latest(hp_arena *arena, int32_t class) {
    hp_block_list *list = &arena->free_list[class];
    return list->count == 0 ? NULL : hp_block_use(arena, pull(list, list->count - 1, class), class);
}

void *hp_block_use_at(hp_arena *arena, int32_t class, uint64_t offset) {
    hp_block_list *list = &arena->free_list[class];
    for (size_t n = list->count; n-- > 0;) /* what was freed lately is asked for most */
        if (list->offset[n] == offset) return hp_block_use(arena, pull(list, n, class), class);
    return NULL;
}

/* A block that the list has no memory for is used no more, until its arena goes. */
int32_t hp_block_give_back(hp_arena *arena, uint64_t offset) {
    const int32_t class = hp_table_remove(&arena->used, offset);
    if (class < 0) return -1;
    hp_arenas_bytes_now.used -= hp_class_size(class);
    hp_block_list *list = &arena->free_list[class];
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 8;
        uint64_t *grown = realloc(list->offset, room * sizeof *grown);
        if (grown == NULL) return 0;
        list->offset = grown;
        list->room = room;
    }
    list->offset[list->count++] = offset;
    hp_arenas_bytes_now.free += hp_class_size(class);
    return 0;
}

int32_t hp_block_is_offered(const hp_arena *arena, uint64_t offset) {
    for (int32_t i = 0; i < arena->noffered - 1; i++)
        if (arena->offered[i].offset == offset) return 1;
    return 0;
}

void hp_blocks_trim(hp_arena *arena) {
    for (int32_t class = hp_class_of(HP_LARGE_BLOCK); class < HP_CLASSES; class++) {
        hp_block_list *list = &arena->free_list[class];
        for (size_t n = list->cold; n < list->count; n++) {
            const uint64_t offset = list->offset[n];
            if (hp_block_is_offered(arena, offset)) continue;
            if (hp_shared_discard(&arena->memory, offset, hp_class_size(class)) != 0) return;
            list->offset[n] = list->offset[list->cold];
            list->offset[list->cold++] = offset;
            hp_arenas_bytes_now.free -= hp_class_size(class);
        }
    }
}
