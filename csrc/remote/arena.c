/* arena.c: all arenas, and how a block of one begins and ends. New blocks are cut from the arena's end, where memory was
 * never used; see blocks.c for what becomes of them.
 */
#include "remote/arena.h"

#include "core/atomic.h"
#include "core/core.h"
#include "remote/blocks.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_ARENAS = 1024 };

static hp_arena *arenas[MAX_ARENAS];
static int32_t narenas; /* past the last one; holes are NULL */
static uint32_t last_number;
static hp_arenas_bytes *const bytes_now = &hp_arenas_bytes_now;

/* Whoever is at all this: 1 + the forks of its process; 0: nobody. Short of a trim it takes about a microsecond. */
static uint32_t holder;

/* The thread that held it when a process forked is not in the child, so a child takes it over. */
void hp_arenas_lock(void) {
    const uint32_t own = hp_forks() + 1;
    uint32_t found = 0;
    while (!__atomic_compare_exchange_n(&holder, &found, own, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
        if (found != own) continue;
        found = 0;
        hp_yield();
    }
}
void hp_arenas_unlock(void) { __atomic_store_n(&holder, 0, __ATOMIC_RELEASE); }

/* ---- arenas ---- */

/* Frees an arena that nobody can find any more. Without the lock: to unmap much memory takes milliseconds. */
static void destroy(hp_arena *arena) {
    if (arena == NULL) return;
    for (int32_t class = 0; class < HP_CLASSES; class++) free(arena->free_list[class].offset);
    hp_table_free(&arena->used);
    hp_shared_unmap(&arena->memory);
    free(arena->cut);
    free(arena);
}

/* Takes an arena that is not needed any more off the list of all; NULL: it still is. */
static hp_arena *take_away(hp_arena *arena) {
    if (!arena->released || arena->used.count > 0 || !hp_arena_is_own(arena)) return NULL;
    for (int32_t class = 0; class < HP_CLASSES; class++) {
        const hp_block_list *list = &arena->free_list[class];
        bytes_now->free -= hp_class_size(class) * (list->count - list->cold);
    }
    for (int32_t i = 0; i < narenas; i++)
        if (arenas[i] == arena) arenas[i] = NULL;
    return arena;
}

/* Makes an arena known. -1: there are too many. */
static int enter(hp_arena *arena) {
    hp_arenas_lock();
    int32_t slot = 0;
    while (slot < narenas && arenas[slot] != NULL) slot++;
    const int is_room = slot < MAX_ARENAS;
    if (is_room) {
        arena->number = ++last_number;
        arenas[slot] = arena;
        if (slot == narenas) narenas++;
    }
    hp_arenas_unlock();
    return is_room ? 0 : -1;
}

hp_arena *hp_arena_new(int32_t *code) {
    hp_arena *arena = calloc(1, sizeof *arena);
    *code = arena == NULL ? ENOMEM : hp_shared_map(&arena->memory, hp_shared_capacity());
    if (*code != 0) {
        free(arena);
        return NULL;
    }
    arena->forks = hp_forks();
    if (enter(arena) == 0) return arena;
    *code = ENOSPC;
    destroy(arena);
    return NULL;
}

void hp_arena_release(hp_arena *arena) {
    if (arena == NULL) return;
    hp_arenas_lock();
    arena->released = 1;
    hp_arena *unneeded = take_away(arena);
    hp_arenas_unlock();
    destroy(unneeded);
}

uint32_t hp_arena_number(const hp_arena *arena) { return arena->number; }

int32_t hp_arena_is_own(const hp_arena *arena) { return arena->forks == hp_forks(); }

int32_t hp_arena_descriptor(const hp_arena *arena, int32_t writable) {
    return writable ? arena->memory.descriptor : arena->memory.read_descriptor;
}

uint64_t hp_arena_capacity(const hp_arena *arena) { return arena->memory.size; }

static hp_arena *find(const void *address, uint64_t *offset) {
    for (int32_t i = 0; i < narenas; i++) {
        if (arenas[i] == NULL) continue;
        *offset = (uint64_t)((uintptr_t)address - (uintptr_t)arenas[i]->memory.base);
        if (*offset < arenas[i]->memory.size) return arenas[i];
    }
    return NULL;
}

hp_arena *hp_arena_find(const void *address, uint64_t *offset) {
    hp_arenas_lock();
    hp_arena *arena = find(address, offset);
    hp_arenas_unlock();
    return arena;
}

/* ---- blocks ---- */

void hp_arenas_trim_held(void) {
    for (int32_t i = 0; i < narenas; i++)
        if (arenas[i] != NULL && hp_arena_is_own(arenas[i])) hp_blocks_trim(arenas[i]);
}

void hp_arenas_trim(void) {
    hp_arenas_lock();
    hp_arenas_trim_held();
    hp_arenas_unlock();
}

static void *new_block(hp_arena *arena, size_t bytes) {
    const int32_t class = hp_class_of(bytes);
    const uint64_t size = hp_class_size(class);
    if (size < bytes || size > bytes_now->limit || bytes_now->used > bytes_now->limit - size) return NULL;
    if (!hp_arena_is_own(arena) || hp_table_reserve(&arena->used) != 0) return NULL;
    const int is_warm = arena->free_list[class].count > arena->free_list[class].cold;
    if (!is_warm && bytes_now->used + bytes_now->free > bytes_now->limit - size) hp_arenas_trim_held();
    void *block = hp_block_use_latest(arena, class);
    if (block != NULL) return block;
    const uint64_t offset = hp_class_align(arena->top, class);
    if (offset > arena->memory.size || size > arena->memory.size - offset) return NULL;
    if (hp_shared_commit(arena->memory.base + offset, size) != 0) return NULL;
    arena->noffered = 0; /* this may be what was offered */
    arena->top = offset + size;
    return hp_block_use(arena, offset, class);
}

void *hp_arena_block(hp_arena *arena, size_t bytes) {
    hp_arenas_lock();
    void *block = new_block(arena, bytes);
    hp_arenas_unlock();
    return block;
}

/* Returns the arena if it went with this block. */
static hp_arena *free_block(void *block) {
    uint64_t offset;
    hp_arena *arena = find(block, &offset);
    if (arena == NULL || !hp_arena_is_own(arena) || hp_block_give_back(arena, offset) != 0) return NULL;
    return take_away(arena);
}

void hp_block_free(void *block) {
    if (block == NULL) return;
    hp_arenas_lock();
    hp_arena *unneeded = free_block(block);
    hp_arenas_unlock();
    destroy(unneeded);
}

void hp_array_free(void *data) {
    uint64_t ignored;
    if (data != NULL && hp_arena_find(data, &ignored) != NULL)
        hp_block_free(data);
    else
        hp_aligned_free(data);
}

void hp_arenas_limit(uint64_t bytes) {
    hp_arenas_lock();
    bytes_now->limit = bytes;
    hp_arenas_unlock();
}

void hp_arenas_usage(uint64_t *limit, uint64_t *used, uint64_t *free_bytes, int32_t *count) {
    hp_arenas_lock();
    *limit = bytes_now->limit;
    *used = bytes_now->used;
    *free_bytes = bytes_now->free;
    *count = 0;
    for (int32_t i = 0; i < narenas; i++) *count += arenas[i] != NULL;
    hp_arenas_unlock();
}
