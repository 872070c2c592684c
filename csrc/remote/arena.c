/* arena.c: blocks of shared memory by size class. */
#include "remote/arena.h"

#include "core/core.h"
#include "remote/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, STEPS = 4, CLASSES = 4 * 44, MAX_ARENAS = 1024, LARGE = 1 << 16 };

/* Free blocks of one class. The first ones are cold: their memory was given back to the system. */
typedef struct hp_block_list {
    uint64_t *offset;
    size_t cold;
    size_t count;
    size_t room;
} hp_block_list;

/* A block in use: an open-addressing table by offset; class -1 is an empty slot, -2 one that was emptied. */
typedef struct hp_block_entry {
    uint64_t offset;
    int32_t class;
} hp_block_entry;

struct hp_arena {
    hp_shared memory;
    uint32_t number;
    int32_t released;
    uint64_t top; /* what lies behind was never used */
    size_t blocks;
    size_t filled; /* slots of the table that are not empty */
    size_t slots;
    hp_block_entry *table;
    hp_block_list free_list[CLASSES];
};

static hp_arena *arenas[MAX_ARENAS];
static int32_t narenas; /* past the last one; holes are NULL */
static uint32_t last_number;
static int32_t in_use; /* somebody is at the tables; whatever is done to them takes about a microsecond */
static uint64_t limit_bytes = UINT64_MAX, used_bytes, free_bytes_total;

static void lock(void) {
    while (__atomic_exchange_n(&in_use, 1, __ATOMIC_ACQUIRE)) hp_yield();
}
static void unlock(void) { __atomic_store_n(&in_use, 0, __ATOMIC_RELEASE); }

/* ---- size classes: four to a power of two, so at most a fifth of a block is wasted ---- */

static uint64_t class_size(int32_t class) { return (uint64_t)(STEPS + class % STEPS) * (ALIGNMENT / STEPS) << (class / STEPS); }

static int32_t class_of(uint64_t bytes) {
    int32_t class = 0;
    while (class < CLASSES - 1 && class_size(class) < bytes) class++;
    return class;
}

/* Blocks of many pages begin with one, so that their memory can go back to the system. */
static uint64_t aligned(uint64_t offset, int32_t class) {
    const uint64_t unit = class_size(class) >= LARGE ? 4096 : ALIGNMENT;
    return (offset + unit - 1) & ~(unit - 1);
}

/* ---- the table of blocks in use ---- */

static size_t slot_of(const hp_arena *arena, uint64_t offset) {
    return (size_t)((offset / ALIGNMENT) * 0x9E3779B97F4A7C15ull >> 20) & (arena->slots - 1);
}

static hp_block_entry *find_entry(const hp_arena *arena, uint64_t offset) {
    for (size_t i = slot_of(arena, offset), n = 0; n < arena->slots; i = (i + 1) & (arena->slots - 1), n++) {
        if (arena->table[i].class == -1) return NULL;
        if (arena->table[i].class >= 0 && arena->table[i].offset == offset) return &arena->table[i];
    }
    return NULL;
}

static void insert(hp_arena *arena, uint64_t offset, int32_t class) {
    size_t i = slot_of(arena, offset);
    while (arena->table[i].class >= 0) i = (i + 1) & (arena->slots - 1);
    arena->filled += arena->table[i].class == -1;
    arena->table[i] = (hp_block_entry){offset, class};
}

static int grow_table(hp_arena *arena) {
    if (2 * (arena->filled + 1) < arena->slots) return 0;
    const size_t slots = 4 * (arena->blocks + 16) > arena->slots ? 2 * arena->slots : arena->slots;
    hp_block_entry *before = arena->table, *table = malloc(slots * sizeof *table);
    if (table == NULL) return -1;
    for (size_t i = 0; i < slots; i++) table[i].class = -1;
    const size_t count = arena->slots;
    arena->table = table;
    arena->slots = slots;
    arena->filled = 0;
    for (size_t i = 0; i < count; i++)
        if (before[i].class >= 0) insert(arena, before[i].offset, before[i].class);
    free(before);
    return 0;
}

/* ---- free blocks ---- */

static int push(hp_block_list *list, uint64_t offset) {
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 8;
        uint64_t *grown = realloc(list->offset, room * sizeof *grown);
        if (grown == NULL) return -1;
        list->offset = grown;
        list->room = room;
    }
    list->offset[list->count++] = offset;
    return 0;
}

/* Takes a block off its list: the last one fills the gap, and of the cold ones the last cold one. */
static uint64_t pull(hp_block_list *list, size_t at, int32_t class) {
    const uint64_t offset = list->offset[at];
    if (at < list->cold) {
        list->offset[at] = list->offset[--list->cold];
        at = list->cold;
    } else {
        free_bytes_total -= class_size(class);
    }
    list->offset[at] = list->offset[--list->count];
    return offset;
}

static void *use(hp_arena *arena, uint64_t offset, int32_t class) {
    insert(arena, offset, class);
    arena->blocks++;
    used_bytes += class_size(class);
    return arena->memory.base + offset;
}

/* ---- arenas ---- */

static void destroy(hp_arena *arena) {
    for (int32_t class = 0; class < CLASSES; class++) {
        const hp_block_list *list = &arena->free_list[class];
        free_bytes_total -= class_size(class) * (list->count - list->cold);
        free(arena->free_list[class].offset);
    }
    for (int32_t i = 0; i < narenas; i++)
        if (arenas[i] == arena) arenas[i] = NULL;
    hp_shared_unmap(&arena->memory);
    free(arena->table);
    free(arena);
}

/* Makes an arena known. -1: there are too many. */
static int enter(hp_arena *arena) {
    lock();
    int32_t slot = 0;
    while (slot < narenas && arenas[slot] != NULL) slot++;
    const int is_room = slot < MAX_ARENAS;
    if (is_room) {
        arena->number = ++last_number;
        arenas[slot] = arena;
        if (slot == narenas) narenas++;
    }
    unlock();
    return is_room ? 0 : -1;
}

hp_arena *hp_arena_new(int32_t *code) {
    hp_arena *arena = calloc(1, sizeof *arena);
    *code = 0;
    if (arena == NULL) return NULL;
    arena->slots = 64;
    arena->table = malloc(arena->slots * sizeof *arena->table);
    if (arena->table == NULL || (*code = hp_shared_map(&arena->memory, hp_shared_capacity())) != 0) {
        free(arena->table);
        free(arena);
        return NULL;
    }
    for (size_t i = 0; i < arena->slots; i++) arena->table[i].class = -1;
    if (enter(arena) == 0) return arena;
    *code = ENOSPC;
    hp_shared_unmap(&arena->memory);
    free(arena->table);
    free(arena);
    return NULL;
}

void hp_arena_release(hp_arena *arena) {
    if (arena == NULL) return;
    lock();
    arena->released = 1;
    if (arena->blocks == 0) destroy(arena);
    unlock();
}

uint32_t hp_arena_number(const hp_arena *arena) { return arena->number; }

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
    lock();
    hp_arena *arena = find(address, offset);
    unlock();
    return arena;
}

/* ---- blocks ---- */

static void trim(void) {
    for (int32_t i = 0; i < narenas; i++) {
        if (arenas[i] == NULL) continue;
        for (int32_t class = class_of(LARGE); class < CLASSES; class++) {
            hp_block_list *list = &arenas[i]->free_list[class];
            free_bytes_total -= class_size(class) * (list->count - list->cold);
            for (; list->cold < list->count; list->cold++)
                hp_shared_discard(&arenas[i]->memory, list->offset[list->cold], class_size(class));
        }
    }
}

static void *new_block(hp_arena *arena, size_t bytes) {
    const int32_t class = class_of(bytes);
    const uint64_t size = class_size(class);
    hp_block_list *list = &arena->free_list[class];
    if (size < bytes || grow_table(arena) < 0) return NULL;
    const int is_warm = list->count > list->cold;
    if (size > limit_bytes || used_bytes > limit_bytes - size) return NULL;
    if (!is_warm && used_bytes + free_bytes_total > limit_bytes - size) trim();
    if (list->count > 0) return use(arena, pull(list, list->count - 1, class), class);
    const uint64_t offset = aligned(arena->top, class);
    if (offset + size > arena->memory.size) return NULL;
    if (hp_shared_commit(arena->memory.base + offset, size) != 0) return NULL;
    arena->top = offset + size;
    return use(arena, offset, class);
}

void *hp_arena_block(hp_arena *arena, size_t bytes) {
    lock();
    void *block = new_block(arena, bytes);
    unlock();
    return block;
}

static void free_block(void *block) {
    uint64_t offset;
    hp_arena *arena = block == NULL ? NULL : find(block, &offset);
    hp_block_entry *entry = arena == NULL ? NULL : find_entry(arena, offset);
    if (entry == NULL) return;
    const int32_t class = entry->class;
    entry->class = -2;
    arena->blocks--;
    used_bytes -= class_size(class);
    if (arena->released && arena->blocks == 0)
        destroy(arena);
    else if (push(&arena->free_list[class], offset) == 0)
        free_bytes_total += class_size(class);
}

void hp_block_free(void *block) {
    lock();
    free_block(block);
    unlock();
}

void hp_array_free(void *data) {
    uint64_t ignored;
    if (data != NULL && hp_arena_find(data, &ignored) != NULL)
        hp_block_free(data);
    else
        hp_aligned_free(data);
}

void hp_arenas_limit(uint64_t bytes) { limit_bytes = bytes; }

void hp_arenas_usage(uint64_t *limit, uint64_t *used, uint64_t *free_bytes, int32_t *count) {
    lock();
    *limit = limit_bytes;
    *used = used_bytes;
    *free_bytes = free_bytes_total;
    *count = 0;
    for (int32_t i = 0; i < narenas; i++) *count += arenas[i] != NULL;
    unlock();
}

/* Small free blocks share pages with others, so they stay. */
void hp_arenas_trim(void) {
    lock();
    trim();
    unlock();
}

/* ---- results whose size the worker alone knows ---- */

int32_t hp_arena_regions(const hp_arena *arena, hp_region regions[HP_WIRE_MAX_REGIONS]) {
    int32_t count = 0;
    lock();
    for (int32_t class = CLASSES - 1; class >= 0 && count < HP_WIRE_MAX_REGIONS - 1; class--) {
        const hp_block_list *list = &arena->free_list[class];
        for (size_t n = list->count; n > 0 && count < HP_WIRE_MAX_REGIONS - 1; n--)
            regions[count++] = (hp_region){list->offset[n - 1], class_size(class)};
    }
    const uint64_t top = (arena->top + 4095) & ~(uint64_t)4095;
    const uint64_t room = limit_bytes > used_bytes ? limit_bytes - used_bytes : 0;
    const uint64_t left = arena->memory.size > top ? arena->memory.size - top : 0;
    unlock();
    regions[count++] = (hp_region){top, left < room ? left : room};
    return count;
}

static void *claim_free(hp_arena *arena, uint64_t offset, size_t bytes) {
    for (int32_t class = class_of(bytes); class < CLASSES; class++) {
        hp_block_list *list = &arena->free_list[class];
        for (size_t n = 0; n < list->count; n++) {
            if (list->offset[n] == offset) return use(arena, pull(list, n, class), class);
        }
    }
    return NULL;
}

static void *claim(hp_arena *arena, uint64_t offset, size_t bytes) {
    const int32_t class = class_of(bytes);
    const uint64_t size = class_size(class);
    if (size < bytes || grow_table(arena) < 0) return NULL;
    if (offset < arena->top) return claim_free(arena, offset, bytes);
    if (offset % ALIGNMENT != 0 || offset > arena->memory.size || size > arena->memory.size - offset) return NULL;
    if (hp_shared_commit(arena->memory.base + offset, size) != 0) return NULL;
    arena->top = offset + size;
    return use(arena, offset, class);
}

void *hp_arena_claim(hp_arena *arena, uint64_t offset, size_t bytes) {
    lock();
    void *block = claim(arena, offset, bytes);
    unlock();
    return block;
}
