/* Offers: where a worker may put results whose size it alone knows, and what of that can be claimed. */
#define _GNU_SOURCE
#include "arenas.h"

#if defined(__linux__)
#include <sys/mman.h>

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

int main(void) {
    results_are_claimed_in_any_order();
    no_two_results_share_memory();
    only_what_was_offered_is_claimed();
    free_blocks_are_offered_and_claimed_once();
    a_result_at_the_end_takes_a_free_block_that_holds_no_other_result();
    a_result_at_the_end_spares_blocks_that_may_hold_others();
    a_trim_spares_blocks_that_a_call_may_be_filling();
    what_a_failed_call_wrote_behind_the_end_goes_back_to_the_system();
    return 0;
}
#else
int main(void) { return 0; }
#endif
