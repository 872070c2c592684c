/* Arenas: blocks that never overlap, come back warm and keep to the limit, whatever threads and forks do. */
#define _GNU_SOURCE
#include "arenas.h"

#if defined(__linux__)
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

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
    readers_cannot_write();
    a_forked_child_reads_its_parents_blocks_and_takes_its_own();
    a_freed_block_is_the_next_of_its_size();
    return 0;
}
#else
int main(void) { return 0; }
#endif
