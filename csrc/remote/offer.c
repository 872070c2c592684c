/* offer.c: memory for results whose size the worker alone knows: places are offered to it, and what it used is claimed. */
#include "remote/blocks.h"

#include <stdlib.h>
#include <string.h>

enum { OFFERS_PER_CLASS = 4 }; /* free blocks of one size, while there is room for other sizes */

static const hp_arenas_bytes *const bytes_now = &hp_arenas_bytes_now;

static void offer(hp_arena *arena, uint64_t offset, uint64_t size) {
    arena->offered[arena->noffered++] = (hp_region){offset, size};
}

/* Some of each size, for a call that finds none of its size takes a new one each time. They get half of the room that
 * the limit leaves. Returns what is left of it. */
static uint64_t offer_free_blocks(hp_arena *arena, uint64_t room) {
    uint64_t budget = room / 2;
    int found = 1;
    for (size_t nth = 1; nth <= OFFERS_PER_CLASS && found; nth++) {
        found = 0;
        for (int32_t class = HP_CLASSES - 1; class >= 0; class--) {
            const hp_block_list *list = &arena->free_list[class];
            if (list->count < nth) continue;
            if (arena->noffered == HP_WIRE_MAX_REGIONS - 1) return room;
            found = 1;
            if (hp_class_size(class) > budget) continue;
            offer(arena, list->offset[list->count - nth], hp_class_size(class));
            budget -= hp_class_size(class);
            room -= hp_class_size(class);
        }
    }
    return room;
}

int32_t hp_arena_regions(hp_arena *arena, hp_region regions[HP_WIRE_MAX_REGIONS]) {
    hp_arenas_lock();
    arena->noffered = 0;
    arena->ncut = 0;
    const uint64_t room = offer_free_blocks(arena, bytes_now->limit > bytes_now->used ? bytes_now->limit - bytes_now->used : 0);
    const uint64_t top = (arena->top + HP_ARENA_PAGE - 1) & ~(uint64_t)(HP_ARENA_PAGE - 1);
    const uint64_t left = arena->memory.size > top ? arena->memory.size - top : 0;
    offer(arena, top, left < room ? left : room);
    const int32_t count = arena->noffered;
    memcpy(regions, arena->offered, (size_t)count * sizeof *regions);
    hp_arenas_unlock();
    return count;
}

/* Takes a part of the end that no other result has. The worker chooses the order, so it need not be the lowest. */
static int cut_off(hp_arena *arena, uint64_t offset, uint64_t size) {
    for (size_t i = 0; i < arena->ncut; i++)
        if (offset < arena->cut[i].offset + arena->cut[i].size && arena->cut[i].offset < offset + size) return -1;
    if (arena->ncut == arena->cut_room) {
        const size_t room = arena->cut_room ? 2 * arena->cut_room : 8;
        hp_region *grown = realloc(arena->cut, room * sizeof *grown);
        if (grown == NULL) return -1;
        arena->cut = grown;
        arena->cut_room = room;
    }
    arena->cut[arena->ncut++] = (hp_region){offset, size};
    if (offset + size > arena->top) arena->top = offset + size;
    return 0;
}

/* A free block that no result of this call lies in; NULL: there is none. */
static void *use_other(hp_arena *arena, int32_t class) {
    const hp_block_list *list = &arena->free_list[class];
    for (size_t n = 0; n < list->count; n++)
        if (!hp_block_is_offered(arena, list->offset[n])) return hp_block_use_at(arena, class, list->offset[n]);
    return NULL;
}

/* A free block is better than a new one, even if the result has to be copied there: else they would become ever more. */
static void *claim_end(hp_arena *arena, const hp_region *end, uint64_t offset, uint64_t bytes) {
    const int32_t class = hp_class_of(bytes);
    const uint64_t size = hp_class_size(class);
    if (offset < end->offset || size > end->size || offset - end->offset > end->size - size) return NULL;
    if (size < bytes || offset != hp_class_align(offset, class)) return NULL;
    void *block = use_other(arena, class);
    if (block != NULL) return block;
    if (hp_shared_commit(arena->memory.base + offset, size) != 0) return NULL;
    return cut_off(arena, offset, size) == 0 ? hp_block_use(arena, offset, class) : NULL;
}

static void *claim(hp_arena *arena, uint64_t offset, uint64_t bytes) {
    if (arena->noffered == 0 || !hp_arena_is_own(arena) || hp_table_reserve(&arena->used) != 0) return NULL;
    const hp_region *end = &arena->offered[arena->noffered - 1];
    for (const hp_region *region = arena->offered; region < end; region++)
        if (region->offset == offset)
            return bytes <= region->size ? hp_block_use_at(arena, hp_class_of(region->size), offset) : NULL;
    return claim_end(arena, end, offset, bytes);
}

void *hp_arena_claim(hp_arena *arena, uint64_t offset, size_t bytes) {
    hp_arenas_lock();
    uint8_t *block = claim(arena, offset, bytes);
    if (bytes_now->used + bytes_now->free > bytes_now->limit) hp_arenas_trim_held();
    hp_arenas_unlock();
    if (block != NULL && block != arena->memory.base + offset) memcpy(block, arena->memory.base + offset, bytes);
    return block;
}

void hp_arena_withdraw(hp_arena *arena, int32_t is_spoilt) {
    hp_arenas_lock();
    arena->noffered = 0;
    if (is_spoilt && hp_arena_is_own(arena) && arena->memory.size > arena->top) {
        const uint64_t top = (arena->top + HP_ARENA_PAGE - 1) & ~(uint64_t)(HP_ARENA_PAGE - 1);
        hp_shared_discard(&arena->memory, top, arena->memory.size - top);
    }
    hp_arenas_unlock();
}
