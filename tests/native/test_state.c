/* hp_state: kept, migrated, put back after a failed call, copied between calls. */
#include "check.h"
#include "core/core.h"

#include <stdint.h>
#include <string.h>

typedef struct {
    int32_t count;
} first_layout;
typedef struct {
    int64_t count;
    double more[100];
} second_layout;

static const int32_t word;
static hp_host *host;
static hp_ctx *ctx;
static hp_state_block *block;
static int migrations;

static void begin(void) { hp_host_begin(host); }

/* Leaves the block as a call in the first layout does, with this count. */
static void leave(int32_t count) {
    hp_host_set_state(host, NULL);
    hp_state_free(block);
    block = hp_state_new();
    hp_host_set_state(host, block);
    begin();
    first_layout *state = hp_state(ctx, sizeof *state, 1);
    state->count = count;
    hp_host_end(host, HP_OK);
    migrations = 0;
}

static void expect(int32_t count) {
    CHECK(block->size == sizeof(first_layout) && block->version == 1);
    CHECK(((first_layout *)block->data)->count == count);
}

static int carry_over(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
    second_layout *wide = now;
    migrations++;
    CHECK(bytes == sizeof *wide && bytes_before == sizeof(first_layout) && version_before == 1);
    CHECK(wide->count == 0 && wide->more[99] == 0);
    wide->count = ((const first_layout *)before)->count;
    wide->more[99] = 0.5;
    return 0;
}

static int narrow(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
    CHECK(bytes == sizeof(first_layout) && bytes_before == sizeof(second_layout) && version_before == 2);
    ((first_layout *)now)->count = (int32_t)((const second_layout *)before)->count;
    return 0;
}

static int refuse(void *now, size_t bytes, const void *before, size_t bytes_before, uint32_t version_before) {
    (void)before, (void)bytes_before, (void)version_before;
    migrations++;
    memset(now, 0x55, bytes);
    return 1;
}

static second_layout *widen(void) { return hp_state_migrate(ctx, sizeof(second_layout), 2, carry_over); }

static void a_new_block_is_zeroed_and_aligned(void) {
    leave(7);
    begin();
    first_layout *state = hp_state(ctx, sizeof *state, 1);
    CHECK(state == hp_state(ctx, sizeof *state, 1) && state->count == 7);
    second_layout *other = hp_state(ctx, sizeof *other, 1);
    CHECK(other->count == 0 && other->more[99] == 0 && (uintptr_t)other % 64 == 0);
    first_layout *newer = hp_state(ctx, sizeof *newer, 2);
    CHECK(newer->count == 0 && (uintptr_t)newer % 64 == 0);
    hp_host_end(host, HP_OK);
}

static void without_a_block_there_is_no_state(void) {
    hp_host_set_state(host, NULL);
    begin();
    CHECK(hp_state(ctx, 8, 1) == NULL && hp_state_migrate(ctx, 8, 1, refuse) == NULL);
    hp_host_end(host, HP_OK);
}

static void another_layout_is_migrated_once(void) {
    leave(7);
    begin();
    second_layout *state = widen();
    CHECK(state->count == 7 && state->more[99] == 0.5 && widen() == state);
    hp_host_end(host, HP_OK);
    begin();
    CHECK(widen() == state && migrations == 1);
    hp_host_end(host, HP_OK);
    begin();
    first_layout *smaller = hp_state_migrate(ctx, sizeof *smaller, 3, narrow);
    CHECK(smaller->count == 7 && block->size == sizeof *smaller && block->version == 3);
    hp_host_end(host, HP_OK);
}

static void nothing_is_migrated_from_nothing(void) {
    hp_state_block *empty = hp_state_new();
    hp_host_set_state(host, empty);
    migrations = 0;
    begin();
    CHECK(widen()->count == 0 && migrations == 0);
    hp_host_end(host, HP_OK);
    hp_host_set_state(host, NULL);
    hp_state_free(empty);
}

static void a_migration_that_gives_up_leaves_zeros(void) {
    leave(7);
    begin();
    const second_layout *state = hp_state_migrate(ctx, sizeof *state, 2, refuse);
    CHECK(migrations == 1 && state->count == 0 && state->more[99] == 0);
    hp_host_end(host, HP_OK);
    leave(7);
    begin();
    state = hp_state_migrate(ctx, sizeof *state, 2, NULL);
    CHECK(state->count == 0);
    hp_host_end(host, HP_OK);
    CHECK(block->version == 2);
}

static void a_failed_call_gets_back_what_it_replaced(void) {
    static const int32_t endings[] = {HP_FAILED, HP_CANCELLED, HP_NO_MEMORY, HP_BAD_RESULT};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        leave(7);
        begin();
        CHECK(widen()->count == 7);
        hp_host_end(host, endings[i]);
        expect(7);
        begin();
        CHECK(((second_layout *)hp_state(ctx, sizeof(second_layout), 2))->count == 0);
        hp_host_end(host, endings[i]);
        expect(7);
    }
}

static void however_often_a_failed_call_replaces_it(void) {
    leave(7);
    begin();
    widen();
    hp_state_migrate(ctx, sizeof(first_layout), 3, refuse);
    hp_state(ctx, 1, 4);
    hp_host_end(host, HP_FAILED);
    expect(7);
}

static void a_block_that_replaced_nothing_stays(void) {
    hp_state_block *empty = hp_state_new();
    hp_host_set_state(host, empty);
    begin();
    *(int64_t *)hp_state(ctx, 8, 1) = 5;
    hp_host_end(host, HP_CANCELLED);
    CHECK(empty->size == 8 && *(int64_t *)empty->data == 5);
    hp_host_set_state(host, NULL);
    hp_state_free(empty);
}

static void *not_there(hp_ctx *unused, size_t bytes, uint32_t version, hp_before *before) {
    (void)unused, (void)bytes, (void)version, (void)before;
    CHECK(!"a cell used a member that its host does not have");
    return NULL;
}

static void a_host_that_ends_before_the_member_starts_from_zeros(void) {
    leave(7);
    void *(*known)(hp_ctx *, size_t, uint32_t, hp_before *) = ctx->state_before;
    ctx->struct_size = offsetof(hp_ctx, state_before);
    ctx->state_before = not_there;
    begin();
    CHECK(widen()->count == 0 && migrations == 0);
    hp_host_end(host, HP_OK);
    ctx->struct_size = sizeof *ctx;
    ctx->state_before = known;
}

static void a_copy_has_bytes_size_and_version(void) {
    leave(7);
    hp_state_block *snapshot = hp_state_new();
    CHECK(hp_state_copy(snapshot, block) == HP_STATE_COPIED);
    begin();
    widen()->count = 9;
    hp_host_end(host, HP_OK);
    for (int twice = 0; twice < 2; twice++) {
        CHECK(hp_state_copy(block, snapshot) == HP_STATE_COPIED);
        expect(7);
        CHECK((uintptr_t)block->data % 64 == 0 && block->data != snapshot->data);
    }
    hp_state_free(snapshot);
    begin();
    CHECK(((first_layout *)hp_state(ctx, sizeof(first_layout), 1))->count == 7);
    hp_host_end(host, HP_OK);
}

static void a_copy_of_nothing_is_nothing(void) {
    leave(7);
    hp_state_block *empty = hp_state_new();
    CHECK(hp_state_copy(block, empty) == HP_STATE_COPIED);
    CHECK(block->data == NULL && block->size == 0 && block->version == 0);
    hp_state_free(empty);
}

static void nothing_is_copied_during_a_call(void) {
    leave(7);
    hp_state_block *other = hp_state_new();
    begin();
    hp_state(ctx, sizeof(first_layout), 1);
    CHECK(hp_state_copy(other, block) == HP_STATE_IN_USE && other->data == NULL);
    CHECK(hp_state_copy(block, other) == HP_STATE_IN_USE);
    hp_host_end(host, HP_OK);
    expect(7);
    CHECK(hp_state_copy(other, block) == HP_STATE_COPIED && other->size == sizeof(first_layout));
    hp_state_free(other);
}

int main(void) {
    host = hp_host_new(&word);
    CHECK(host != NULL);
    ctx = &host->ctx;
    a_new_block_is_zeroed_and_aligned();
    without_a_block_there_is_no_state();
    another_layout_is_migrated_once();
    nothing_is_migrated_from_nothing();
    a_migration_that_gives_up_leaves_zeros();
    a_failed_call_gets_back_what_it_replaced();
    however_often_a_failed_call_replaces_it();
    a_block_that_replaced_nothing_stays();
    a_host_that_ends_before_the_member_starts_from_zeros();
    a_copy_has_bytes_size_and_version();
    a_copy_of_nothing_is_nothing();
    nothing_is_copied_during_a_call();
    hp_state_free(block);
    hp_host_free(host);
    return 0;
}
