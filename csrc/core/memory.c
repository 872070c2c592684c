/* memory.c: aligned memory, and blocks of it that can be chained. */
#define _POSIX_C_SOURCE 200809L
#include "core/core.h"

#include <stdlib.h>

enum { HP_ALIGNMENT = 64 };

/* What stands before the bytes of scratch memory and of a state; it keeps their alignment. */
struct hp_block {
    struct hp_block *next;
    char padding[HP_ALIGNMENT - sizeof(void *)];
};

#if defined(_WIN32)
void *hp_aligned_new(size_t bytes) { return _aligned_malloc(bytes, HP_ALIGNMENT); }
void hp_aligned_free(void *memory) { _aligned_free(memory); }
#else
void *hp_aligned_new(size_t bytes) {
    void *memory = NULL;
    return posix_memalign(&memory, HP_ALIGNMENT, bytes) == 0 ? memory : NULL;
}
void hp_aligned_free(void *memory) { free(memory); }
#endif

void *hp_memory_new(size_t bytes) {
    struct hp_block *block = bytes > SIZE_MAX - sizeof *block ? NULL : hp_aligned_new(sizeof *block + bytes);
    return block == NULL ? NULL : block + 1;
}

void hp_memory_free(void *memory) {
    if (memory != NULL) hp_aligned_free((struct hp_block *)memory - 1);
}


void hp_memory_chain(struct hp_block **chain, void *memory) {
    struct hp_block *block = (struct hp_block *)memory - 1;
    block->next = *chain;
    *chain = block;
}

void hp_memory_free_chain(struct hp_block **chain) {
    for (struct hp_block *block = *chain; block != NULL;) {
        struct hp_block *next = block->next;
        hp_aligned_free(block);
        block = next;
    }
    *chain = NULL;
}
