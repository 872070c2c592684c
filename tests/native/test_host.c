/* The host behind a cell's hp_ctx: what a cell asks for through hotplate.h, and the verdict on its call. */
#include "check.h"
#include "core/core.h"
#include "remote/arena.h"

#include <stdint.h>
#include <string.h>

static int32_t word;
static hp_host *host;
static hp_ctx *ctx;

static void begin(void) {
    word = 0;
    hp_host_begin(host);
}

static void check_is_false_until_the_word_is_set(void) {
    begin();
    CHECK(!hp_check(ctx) && !hp_host_observed(host));
    word = 1;
    CHECK(hp_check(ctx) && hp_host_observed(host));
    CHECK(hp_host_verdict(host, HP_OK) == HP_CANCELLED);
    hp_host_end(host, HP_OK);
}

static void a_request_that_nobody_saw_is_no_cancellation(void) {
    begin();
    word = 1;
    CHECK(hp_host_verdict(host, HP_OK) == HP_OK);
    hp_host_end(host, HP_OK);
}

static void the_first_failure_counts(void) {
    begin();
    hp_fail(ctx, "%s is %d", "dt", -1);
    hp_fail(ctx, "later");
    CHECK(hp_host_verdict(host, HP_OK) == HP_FAILED && strcmp(host->message, "dt is -1") == 0);
    hp_host_end(host, HP_OK);
}

static void a_long_message_is_cut(void) {
    static char text[2 * HP_MESSAGE_SIZE];
    memset(text, 'x', sizeof text - 1);
    begin();
    hp_fail(ctx, "%s", text);
    CHECK(strlen(host->message) == HP_MESSAGE_SIZE - 1);
    hp_host_end(host, HP_OK);
}

static void scratch_is_aligned_and_distinct(void) {
    begin();
    char *previous = NULL;
    for (size_t bytes = 0; bytes < 300; bytes += 37) {
        char *memory = hp_alloc(ctx, bytes);
        CHECK(memory != NULL && (uintptr_t)memory % 64 == 0 && memory != previous);
        memset(memory, 1, bytes);
        previous = memory;
    }
    CHECK(hp_host_verdict(host, HP_OK) == HP_OK);
    hp_host_end(host, HP_OK);
}

static void too_much_scratch_is_no_memory(void) {
    begin();
    CHECK(hp_alloc(ctx, SIZE_MAX - 8) == NULL);
    CHECK(hp_host_verdict(host, HP_OK) == HP_NO_MEMORY);
    hp_host_end(host, HP_OK);
}

static void an_array_is_contiguous_and_replaced_by_the_next(void) {
    hp_value value = {0};
    hp_out out = {ctx, &value};
    begin();
    CHECK(HP_ARRAY(&out, int32_t, 5) != NULL);
    double *data = HP_ARRAY(&out, double, 3, 4);
    CHECK(data != NULL && value.kind == HP_TENSOR && value.as.tensor.data == data);
    CHECK(value.as.tensor.ndim == 2 && value.as.tensor.shape[1] == 4 && value.as.tensor.strides[0] == 4);
    CHECK(value.as.tensor.dtype.code == HP_FLOAT && value.as.tensor.dtype.bits == 64);
    memset(data, 0, 12 * sizeof *data);
    CHECK(HP_ARRAY(&out, double, 0) != NULL && value.as.tensor.shape[0] == 0);
    CHECK(hp_host_verdict(host, HP_OK) == HP_OK);
    free(value.as.tensor.shape);
    hp_array_free(value.as.tensor.data);
    hp_host_end(host, HP_OK);
}

static void an_impossible_array_is_a_bad_result(void) {
    hp_value value = {0};
    hp_out out = {ctx, &value};
    const int64_t shapes[][2] = {{-1, 1}, {INT64_MAX, INT64_MAX}};
    for (int i = 0; i < 2; i++) {
        begin();
        CHECK(HP_ARRAY(&out, double, shapes[i][0], shapes[i][1]) == NULL && value.kind == HP_NONE);
        CHECK(hp_host_verdict(host, HP_OK) == HP_BAD_RESULT);
        hp_host_end(host, HP_OK);
    }
}

static void progress_can_be_read_by_others(void) {
    int64_t done = -1, total = -1;
    begin();
    hp_progress(ctx, 3, 10);
    hp_host_progress(host, &done, &total);
    CHECK(done == 3 && total == 10);
    hp_host_end(host, HP_OK);
}

static void every_status_has_a_name_and_a_meaning(void) {
    int32_t status = 0;
    while (hp_status_name(status) != NULL) CHECK(hp_status_message(status++) != NULL);
    CHECK(status == HP_BAD_RESULT + 1 && strcmp(hp_status_name(HP_OK), "OK") == 0);
}

int main(void) {
    host = hp_host_new(&word);
    CHECK(host != NULL);
    ctx = &host->ctx;
    check_is_false_until_the_word_is_set();
    a_request_that_nobody_saw_is_no_cancellation();
    the_first_failure_counts();
    a_long_message_is_cut();
    scratch_is_aligned_and_distinct();
    too_much_scratch_is_no_memory();
    an_array_is_contiguous_and_replaced_by_the_next();
    an_impossible_array_is_a_bad_result();
    progress_can_be_read_by_others();
    every_status_has_a_name_and_a_meaning();
    hp_host_free(host);
    return 0;
}
