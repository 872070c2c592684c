/* Arenas: blocks that never overlap, come back warm, keep to the limit; and what a worker's results may claim. */
#define _GNU_SOURCE
#include "check.h"
#include "remote/arena.h"

#include <string.h>

#if defined(__linux__)
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static hp_arena *new_arena(void) {
    int32_t code;
    hp_arena *arena = hp_arena_new(&code);
    CHECK(arena != NULL && code == 0);
    return arena;
}

static uint64_t used(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return bytes;
}

static uint64_t kept_warm(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return free_bytes;
}

static int32_t arenas(void) {
    uint64_t limit, bytes, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &bytes, &free_bytes, &count);
    return count;
}

static uint64_t place_of(const hp_arena *arena, const void *block) {
    uint64_t offset = 0;
    CHECK(hp_arena_find(block, &offset) == arena);
    return offset;
}

/* ---- blocks ---- */

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

typedef struct hp_held {
    uint8_t *data;
    size_t size;
    uint8_t mark;
} hp_held;

/* Takes and gives back blocks of many sizes; each keeps the bytes that it was filled with. */
static void churn(hp_arena *arena, uint32_t seed, int rounds) {
    enum { HELD = 64 };
    hp_held held[HELD] = {{0}};
    for (int i = 0; i < rounds; i++) {
        hp_held *one = &held[next_random(&seed) >> 8 & (HELD - 1)];
        for (size_t n = 0; n < one->size; n += one->size / 7 + 1) CHECK(one->data[n] == one->mark);
        hp_block_free(one->data);
        const size_t most = (size_t)1 << (next_random(&seed) >> 28); /* small ones are as many as large ones */
        one->size = (next_random(&seed) >> 8) % most;
        one->mark = (uint8_t)(seed >> 16);
        one->data = hp_arena_block(arena, one->size);
        CHECK(one->data != NULL && (uintptr_t)one->data % 64 == 0);
        memset(one->data, one->mark, one->size);
    }
    for (int i = 0; i < HELD; i++) hp_block_free(held[i].data);
}

static void blocks_never_overlap(void) {
    hp_arena *arena = new_arena();
    churn(arena, 1, 3000);
    CHECK(used() == 0);
    hp_arena_release(arena);
    CHECK(kept_warm() == 0 && arenas() == 0);
}

static void *churn_in_thread(void *arena) {
    churn(arena, (uint32_t)(uintptr_t)pthread_self(), 400);
    return NULL;
}

static void many_threads_share_arenas(void) {
    pthread_t threads[6];
    hp_arena *two[] = {new_arena(), new_arena()};
    for (int i = 0; i < 6; i++) CHECK(pthread_create(&threads[i], NULL, churn_in_thread, two[i % 2]) == 0);
    for (int i = 0; i < 20; i++) hp_arenas_trim();
    for (int i = 0; i < 6; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(used() == 0);
    hp_arena_release(two[0]);
    hp_arena_release(two[1]);
}

static void a_freed_block_is_the_next_of_its_size(void) {
    hp_arena *arena = new_arena();
    void *first = hp_arena_block(arena, 1000), *second = hp_arena_block(arena, 1000);
    hp_block_free(first);
    CHECK(hp_arena_block(arena, 1001) == first);
    hp_block_free(first);
    hp_block_free(first); /* again is once too often, and nothing happens */
    CHECK(hp_arena_block(arena, 1000) == first && hp_arena_block(arena, 1000) != first);
    hp_block_free((uint8_t *)second + 64); /* what is no block is ignored */
    CHECK(used() == 3 * 1024);
    hp_arena_release(arena);
    hp_block_free(first);
    hp_block_free(second);
    CHECK(arenas() == 1); /* it waits for its last block */
}

static void a_released_arena_goes_with_its_last_block(void) {
    const int32_t before = arenas();
    hp_arena *arena = new_arena();
    uint8_t *block = hp_arena_block(arena, 100);
    hp_arena_release(arena);
    block[99] = 1;
    CHECK(arenas() == before + 1);
    hp_array_free(block);
    CHECK(arenas() == before);
}

/* ---- limits ---- */

static void the_limit_counts_blocks_in_use_and_lets_free_ones_go(void) {
    hp_arena *arena = new_arena();
    const uint64_t before = used();
    hp_arenas_limit(before + (1 << 20));
    void *half = hp_arena_block(arena, 1 << 19);
    CHECK(half != NULL && hp_arena_block(arena, 1 << 20) == NULL && hp_arena_block(arena, SIZE_MAX) == NULL);
    memset(half, 1, 1 << 19);
    hp_block_free(half);
    CHECK(kept_warm() >= 1 << 19);
    void *whole = hp_arena_block(arena, 1 << 20); /* not both fit */
    CHECK(whole != NULL && kept_warm() < 1 << 19);
    hp_block_free(whole);
    hp_arenas_limit(UINT64_MAX);
    uint8_t *again = hp_arena_block(arena, 1 << 19);
    CHECK(again == half && again[5] == 0); /* its memory had gone */
    hp_block_free(again);
    hp_arena_release(arena);
}

static void a_trim_takes_the_memory_of_free_blocks_alone(void) {
    hp_arena *arena = new_arena();
    uint8_t *kept = hp_arena_block(arena, 1 << 16), *freed = hp_arena_block(arena, 1 << 16);
    memset(kept, 1, 1 << 16);
    memset(freed, 2, 1 << 16);
    hp_block_free(freed);
    hp_arenas_trim();
    CHECK(kept[0] == 1 && kept[(1 << 16) - 1] == 1 && freed[0] == 0);
    hp_block_free(kept);
    hp_arena_release(arena);
}

/* ---- results ---- */

static hp_region end_of(hp_arena *arena) {
    hp_region regions[HP_WIRE_MAX_REGIONS];
    const int32_t count = hp_arena_regions(arena, regions);
    CHECK(count >= 1 && count <= HP_WIRE_MAX_REGIONS);
    return regions[count - 1];
}

static void results_are_claimed_in_any_order(void) {
    hp_arena *arena = new_arena();
    const hp_region end = end_of(arena);
    uint8_t *high = hp_arena_claim(arena, end.offset + 8192, 5000), *low = hp_arena_claim(arena, end.offset, 5000);
    CHECK(high != NULL && low != NULL && high == low + 8192);
    hp_arena_withdraw(arena, 0);
    uint8_t *next = hp_arena_block(arena, 64);
    CHECK(next >= high + 5000);
    hp_block_free(high);
    hp_block_free(low);
    hp_block_free(next);
    hp_arena_release(arena);
}

static void no_two_results_share_memory(void) {
    hp_arena *arena = new_arena();
    const hp_region end = end_of(arena);
    void *first = hp_arena_claim(arena, end.offset + 4096, 1000);
    CHECK(first != NULL);
    CHECK(hp_arena_claim(arena, end.offset + 4096, 1000) == NULL);
    CHECK(hp_arena_claim(arena, end.offset + 4096 + 960, 10) == NULL); /* a block of 1000 bytes takes 1024 */
    CHECK(hp_arena_claim(arena, end.offset + 4096 - 64, 100) == NULL);
    CHECK(hp_arena_claim(arena, end.offset, 1 << 20) == NULL);
    void *before = hp_arena_claim(arena, end.offset + 4096 - 128, 128), *behind = hp_arena_claim(arena, end.offset + 5120, 1);
    CHECK(before != NULL && behind != NULL);
    hp_block_free(first);
    hp_block_free(before);
    hp_block_free(behind);
    hp_arena_release(arena);
}

static void only_what_was_offered_is_claimed(void) {
    hp_arena *arena = new_arena();
    void *block = hp_arena_block(arena, 4096);
    const uint64_t taken = place_of(arena, block);
    CHECK(hp_arena_claim(arena, taken + 4096, 64) == NULL); /* nothing was offered yet */
    hp_arenas_limit(used() + 65536);
    const hp_region end = end_of(arena);
    CHECK(end.size == 65536);
    CHECK(hp_arena_claim(arena, taken, 4096) == NULL);
    CHECK(hp_arena_claim(arena, end.offset + 65536, 64) == NULL);
    CHECK(hp_arena_claim(arena, end.offset + 65472, 65) == NULL); /* its block would not end in time */
    CHECK(hp_arena_claim(arena, end.offset + 1, 64) == NULL && hp_arena_claim(arena, end.offset, SIZE_MAX) == NULL);
    CHECK(hp_arena_claim(arena, UINT64_MAX - 63, 64) == NULL && hp_arena_claim(arena, hp_arena_capacity(arena), 64) == NULL);
    hp_arenas_limit(UINT64_MAX);
    const hp_region wide = end_of(arena);
    CHECK(hp_arena_claim(arena, wide.offset + 64, 1 << 16) == NULL); /* its pages would be another's too */
    hp_arena_withdraw(arena, 0);
    CHECK(hp_arena_claim(arena, wide.offset, 64) == NULL);
    CHECK(used() >= 4096);
    hp_block_free(block);
    hp_arena_release(arena);
}

static void free_blocks_are_offered_and_claimed_once(void) {
    hp_region regions[HP_WIRE_MAX_REGIONS];
    hp_arena *arena = new_arena();
    void *blocks[] = {hp_arena_block(arena, 1000), hp_arena_block(arena, 1000), hp_arena_block(arena, 1 << 20)};
    for (int i = 0; i < 3; i++) hp_block_free(blocks[i]);
    CHECK(hp_arena_regions(arena, regions) == 4);
    CHECK(regions[0].offset == place_of(arena, blocks[2]) && regions[0].size == 1 << 20 && regions[1].size == 1024);
    CHECK(hp_arena_claim(arena, regions[1].offset, 1025) == NULL);
    void *claimed = hp_arena_claim(arena, regions[1].offset, 10);
    CHECK(claimed != NULL && place_of(arena, claimed) == regions[1].offset);
    CHECK(hp_arena_claim(arena, regions[1].offset, 10) == NULL);
    CHECK(used() == 1024); /* all of the block, so that it is found again by its size */
    hp_block_free(claimed);
    hp_arena_release(arena);
}

static void a_result_at_the_end_takes_a_free_block_that_holds_no_other_result(void) {
    enum { COUNT = 12 };
    hp_region regions[HP_WIRE_MAX_REGIONS];
    uint8_t *blocks[COUNT];
    hp_arena *arena = new_arena();
    for (int i = 0; i < COUNT; i++) blocks[i] = hp_arena_block(arena, 1000);
    for (int i = 0; i < COUNT; i++) hp_block_free(blocks[i]);
    const int32_t count = hp_arena_regions(arena, regions);
    CHECK(count - 1 < COUNT);
    uint8_t *base = blocks[0] - place_of(arena, blocks[0]), *written = base + regions[count - 1].offset;
    for (int32_t i = 0; i < count; i++) memset(base + regions[i].offset, i + 1, 1000);
    uint8_t *copied = hp_arena_claim(arena, regions[count - 1].offset, 1000);
    CHECK(copied != NULL && copied != written && copied[0] == count && copied[999] == count);
    for (int32_t i = 0; i < count - 1; i++) {
        const uint8_t *there = hp_arena_claim(arena, regions[i].offset, 1000);
        CHECK(there == base + regions[i].offset && there[0] == i + 1 && there[999] == i + 1);
        hp_block_free(base + regions[i].offset);
    }
    hp_block_free(copied);
    hp_arena_release(arena);
}

static void a_result_at_the_end_spares_blocks_that_may_hold_others(void) {
    hp_region regions[HP_WIRE_MAX_REGIONS];
    hp_arena *arena = new_arena();
    uint8_t *block = hp_arena_block(arena, 1000);
    hp_block_free(block);
    CHECK(hp_arena_regions(arena, regions) == 2);
    memset(block, 1, 1000);
    uint8_t *written = block - regions[0].offset + regions[1].offset;
    memset(written, 2, 1000);
    CHECK(hp_arena_claim(arena, regions[1].offset, 1000) == written);
    CHECK(hp_arena_claim(arena, regions[0].offset, 1000) == block && block[0] == 1 && written[0] == 2);
    hp_block_free(block);
    hp_block_free(written);
    hp_arena_release(arena);
}

static void a_trim_spares_blocks_that_a_call_may_be_filling(void) {
    hp_region regions[HP_WIRE_MAX_REGIONS];
    hp_arena *arena = new_arena();
    uint8_t *block = hp_arena_block(arena, 1 << 17);
    hp_block_free(block);
    CHECK(hp_arena_regions(arena, regions) == 2);
    memset(block, 9, 1 << 17);
    hp_arenas_trim();
    CHECK(hp_arena_claim(arena, regions[0].offset, 1 << 17) == block && block[0] == 9 && block[(1 << 17) - 1] == 9);
    hp_block_free(block);
    hp_arena_withdraw(arena, 0);
    hp_arenas_trim();
    CHECK(block[0] == 0);
    hp_arena_release(arena);
}

static void what_a_failed_call_wrote_behind_the_end_goes_back_to_the_system(void) {
    unsigned char is_there;
    hp_arena *arena = new_arena();
    uint8_t *block = hp_arena_block(arena, 4096);
    const hp_region end = end_of(arena);
    uint8_t *page = block - place_of(arena, block) + end.offset;
    memset(page, 1, 4096);
    hp_arena_withdraw(arena, 1);
    CHECK(mincore(page, 4096, &is_there) == 0 && !(is_there & 1));
    CHECK(mincore(block, 1, &is_there) == 0);
    hp_block_free(block);
    hp_arena_release(arena);
}

/* ---- processes ---- */

static void readers_cannot_write(void) {
    hp_arena *arena = new_arena();
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hp_arena_descriptor(arena, 0), 0) == MAP_FAILED);
    void *writer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hp_arena_descriptor(arena, 1), 0);
    CHECK(writer != MAP_FAILED);
    munmap(writer, 4096);
    CHECK(ftruncate(hp_arena_descriptor(arena, 1), 0) != 0); /* else whoever reads it dies of SIGBUS */
    hp_arena_release(arena);
}

static volatile int stop;

static void *take_and_give_back(void *arena) {
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) hp_block_free(hp_arena_block(arena, 64));
    return NULL;
}

/* Exits with 0 when all is as it should be in a child. */
static void be_child(hp_arena *arena, uint8_t *block) {
    int32_t code;
    hp_array_free(block);
    hp_arenas_trim();
    const int is_spared = block[70000] == 7 && hp_arena_block(arena, 64) == NULL && !hp_arena_is_own(arena);
    hp_arena *own = hp_arena_new(&code);
    void *fresh = own == NULL ? NULL : hp_arena_block(own, 64);
    _exit(is_spared && fresh != NULL && hp_arena_is_own(own) ? 0 : 1);
}

/* A thread may hold the lock when its process forks, and it is not in the child to give it back. */
static void a_forked_child_reads_its_parents_blocks_and_takes_its_own(void) {
    pthread_t thread;
    hp_arena *arena = new_arena();
    uint8_t *block = hp_arena_block(arena, 100000);
    block[70000] = 7;
    CHECK(pthread_create(&thread, NULL, take_and_give_back, arena) == 0);
    for (int i = 0; i < 20; i++) {
        int status;
        const pid_t child = fork();
        if (child == 0) be_child(arena, block);
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0 && block[70000] == 7);
    hp_block_free(block);
    hp_arena_release(arena);
}

int main(void) {
    blocks_never_overlap();
    many_threads_share_arenas();
    a_released_arena_goes_with_its_last_block();
    the_limit_counts_blocks_in_use_and_lets_free_ones_go();
    a_trim_takes_the_memory_of_free_blocks_alone();
    results_are_claimed_in_any_order();
    no_two_results_share_memory();
    only_what_was_offered_is_claimed();
    free_blocks_are_offered_and_claimed_once();
    a_result_at_the_end_takes_a_free_block_that_holds_no_other_result();
    a_result_at_the_end_spares_blocks_that_may_hold_others();
    a_trim_spares_blocks_that_a_call_may_be_filling();
    what_a_failed_call_wrote_behind_the_end_goes_back_to_the_system();
    readers_cannot_write();
    a_forked_child_reads_its_parents_blocks_and_takes_its_own();
    a_freed_block_is_the_next_of_its_size();
    return 0;
}
#else
int main(void) { return 0; }
#endif
