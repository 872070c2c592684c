/* arenas.h: arenas for the tests, and what all of them together take. */
#ifndef HOTPLATE_TESTS_ARENAS_H
#define HOTPLATE_TESTS_ARENAS_H

#include "check.h"
#include "remote/arena.h"

#include <string.h>

static inline hp_arena *new_arena(void) {
    int32_t code;
    hp_arena *arena = hp_arena_new(&code);
    CHECK(arena != NULL && code == 0);
    return arena;
}

static inline uint64_t used(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return bytes;
}

static inline uint64_t kept_warm(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return free_bytes;
}

static inline int32_t arenas(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return count;
}

static inline uint64_t place_of(const hp_arena *arena, const void *block) {
    uint64_t offset = 0;
    CHECK(hp_arena_find(block, &offset) == arena);
    return offset;
}

#endif
