/* A real worker and its controller: what a call gives back, and what becomes of one that does not end well. */
#define _GNU_SOURCE
#include "workers.h"

#if defined(__linux__)
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static void enter(test_worker *worker, int64_t timeout) { hp_remote_enter(worker->remote, timeout, 50 * MILLISECONDS, &worker->waited); }
static void leave(void) { hp_remote_enter(NULL, -1, 0, NULL); }

static void check_results(const test_outcome *outcome, const uint8_t *bytes, int64_t size, int64_t stride, int calls) {
    int32_t counted;
    char text[64];
    CHECK(outcome->status == HP_OK);
    const uint8_t *first = outcome->out[0].as.tensor.data, *second = outcome->out[1].as.tensor.data;
    CHECK(outcome->out[0].as.tensor.shape[0] == size && outcome->out[1].as.tensor.shape[0] == 3 * size);
    for (int64_t i = 0; i < size; i++) CHECK(first[i] == (uint8_t)(bytes[i * stride] + 1) && second[3 * i + 2] == first[i]);
    snprintf(text, sizeof text, "call %d with %d bytes", calls, (int)size);
    CHECK(strcmp(outcome->out[2].as.text, text) == 0); /* it lay in scratch memory */
    memcpy(&counted, outcome->out[3].as.bytes, sizeof counted);
    CHECK(counted == calls);
    CHECK(outcome->array[0] == outcome->array[1] && outcome->array[0] != 0);
}

/* ---- calls that end well ---- */

static void results_come_back_whatever_their_size_and_order(void) {
    static uint8_t bytes[1 << 18];
    static const int64_t sizes[] = {0, 1, 100, 5000, 70000, 1 << 18, 3};
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7);
    test_worker worker = start_worker();
    enter(&worker, -1);
    for (int i = 0; i < 7; i++) {
        test_outcome outcome;
        call_with(&worker, ANSWER, bytes, sizes[i], 1, &outcome);
        check_results(&outcome, bytes, sizes[i], 1, i + 1);
        forget(&outcome);
    }
    leave();
    bury(&worker);
}

static void inputs_may_go_back_and_leave_gaps(void) {
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    test_worker worker = start_worker();
    enter(&worker, -1);
    test_outcome outcome;
    call_with(&worker, ANSWER, bytes + 8, 5, -2, &outcome);
    check_results(&outcome, bytes + 8, 5, -2, 1);
    forget(&outcome);
    leave();
    bury(&worker);
}

static void a_result_is_another_calls_input_where_it_lies(void) {
    test_worker worker = start_worker();
    enter(&worker, -1);
    test_outcome before, after;
    call_with(&worker, ANSWER, (const uint8_t *)"abcdef", 6, 1, &before);
    const uint8_t *made = before.out[0].as.tensor.data;
    call_with(&worker, ANSWER, made, 6, 1, &after);
    check_results(&after, made, 6, 1, 2);
    CHECK(memcmp(made, "bcdefg", 6) == 0);
    forget(&before);
    forget(&after);
    leave();
    bury(&worker);
}

static uint64_t free_memory(void) {
    uint64_t ignored, used, bytes;
    int32_t count;
    hp_arenas_usage(&ignored, &used, &bytes, &count);
    return bytes;
}

static void calls_do_not_take_ever_more_memory(void) {
    static uint8_t bytes[9000];
    uint64_t after_one_round = 0;
    test_worker worker = start_worker();
    enter(&worker, -1);
    for (int i = 0; i < 900; i++) {
        test_outcome outcome;
        call_with(&worker, ANSWER, bytes, 1 + 31 * (i * 17 % 290), 1, &outcome);
        CHECK(outcome.status == HP_OK);
        forget(&outcome);
        if (i == 290) after_one_round = free_memory();
    }
    CHECK(free_memory() < 2 * after_one_round);
    leave();
    bury(&worker);
}

static void no_memory_for_a_state_is_a_failure_that_leaves_it_as_it_was(void) {
    test_outcome outcome;
    test_worker worker = start_worker();
    enter(&worker, -1);
    CHECK(call(&worker, ANSWER) == HP_OK);
    hp_arenas_trim();
    void *filler = hp_arena_block(worker.arena, 1 << 20);
    hp_arenas_limit((1 << 20) + 1024);
    call_with(&worker, ANSWER, (const uint8_t *)"x", 1, 1, &outcome);
    CHECK(outcome.status == HP_NO_MEMORY || outcome.status == HP_REMOTE_MEMORY);
    forget(&outcome);
    hp_arenas_limit(UINT64_MAX);
    hp_block_free(filler);
    call_with(&worker, ANSWER, (const uint8_t *)"x", 1, 1, &outcome);
    check_results(&outcome, (const uint8_t *)"x", 1, 1, 2);
    forget(&outcome);
    leave();
    bury(&worker);
}

static void a_failure_has_its_message_and_changes_no_state(void) {
    test_outcome outcome;
    test_worker worker = start_worker();
    enter(&worker, -1);
    CHECK(call(&worker, ANSWER) == HP_OK);
    call_with(&worker, FAIL, (const uint8_t *)"x", 1, 1, &outcome);
    CHECK(outcome.status == HP_FAILED && strcmp(outcome.message, "it failed on purpose") == 0);
    forget(&outcome);
    call_with(&worker, ANSWER, (const uint8_t *)"x", 1, 1, &outcome);
    check_results(&outcome, (const uint8_t *)"x", 1, 1, 2);
    forget(&outcome);
    leave();
    bury(&worker);
}

/* ---- requests to stop ---- */

static void *abort_soon(void *remote) {
    const struct timespec soon = {0, 5 * MILLISECONDS};
    nanosleep(&soon, NULL);
    hp_remote_abort(remote, HP_REASON_ABORT);
    return NULL;
}

static int32_t call_aborted(test_worker *worker, int32_t behaviour) {
    pthread_t thread;
    enter(worker, -1);
    CHECK(pthread_create(&thread, NULL, abort_soon, worker->remote) == 0);
    const int32_t status = call(worker, behaviour);
    CHECK(pthread_join(thread, NULL) == 0);
    leave();
    return status;
}

static void a_cell_that_is_asked_to_stop_ends_and_its_worker_lives_on(void) {
    test_worker worker = start_worker();
    CHECK(call_aborted(&worker, STOP_WHEN_ASKED) == HP_CANCELLED);
    CHECK(!worker.waited.killed && worker.waited.ending == HP_ENDED_ANSWER);
    enter(&worker, -1);
    CHECK(worker.waited.reason == HP_REASON_NONE && worker.waited.asked == -1);
    CHECK(call(&worker, ANSWER) == HP_OK);
    leave();
    bury(&worker);
}

static void a_request_to_stop_does_not_reach_the_message_after_the_call(void) {
    test_worker worker = start_worker();
    CHECK(call_aborted(&worker, STOP_WHEN_ASKED) == HP_CANCELLED);
    open_library(&worker, HP_TEST_CELL, LIBRARY + 1);
    hp_remote_abort(worker.remote, HP_REASON_ABORT); /* too late as well */
    open_library(&worker, HP_TEST_CELL, LIBRARY + 2);
    bury(&worker);
}

static void a_request_to_stop_is_not_lost_while_arenas_are_made_known(void) {
    test_worker worker = start_worker();
    enter(&worker, -1);
    *hp_remote_abort_word(worker.remote) = 1; /* as a signal handler does */
    CHECK(call(&worker, STOP_WHEN_ASKED) == HP_CANCELLED);
    leave();
    bury(&worker);
}

static void a_cell_that_does_not_stop_is_killed_after_its_grace(void) {
    test_worker worker = start_worker();
    CHECK(call_aborted(&worker, LOOP) == HP_REMOTE_GONE);
    CHECK(worker.waited.killed && worker.waited.reason == HP_REASON_ABORT && worker.waited.ending == HP_ENDED_DEATH);
    CHECK(hp_remote_stage(worker.remote) == HP_STAGE_RUN);
    CHECK(bury(&worker) == -SIGKILL);
}

static void a_cell_that_takes_too_long_is_killed_for_it(void) {
    test_worker worker = start_worker();
    enter(&worker, 5 * MILLISECONDS);
    CHECK(call(&worker, LOOP) == HP_REMOTE_GONE);
    CHECK(worker.waited.killed && worker.waited.reason == HP_REASON_TIMEOUT && worker.waited.asked >= 5 * MILLISECONDS);
    leave();
    bury(&worker);
}

/* ---- deaths ---- */

static void a_death_ends_the_call(int32_t behaviour, int32_t expected) {
    test_worker worker = start_worker();
    enter(&worker, -1);
    CHECK(call(&worker, behaviour) == HP_REMOTE_GONE);
    CHECK(worker.waited.ending == HP_ENDED_DEATH && !worker.waited.killed);
    CHECK(hp_remote_stage(worker.remote) == HP_STAGE_RUN);
    leave();
    CHECK(bury(&worker) == expected);
}

static void deaths_are_those_of_the_call_that_they_happen_in(void) {
    a_death_ends_the_call(DIE, -SIGKILL);
    a_death_ends_the_call(EXIT, 7);
    a_death_ends_the_call(END_THREAD, -SIGABRT);
    a_death_ends_the_call(CLOSE_SOCKET, -SIGABRT);
    a_death_ends_the_call(CLOSE_SOCKET_AND_PAUSE, -SIGABRT);
    a_death_ends_the_call(CLOSE_ALL_AND_PAUSE, -SIGABRT);
    a_death_ends_the_call(REPLACE_SOCKET, -SIGABRT);
}

static void a_constructor_that_closes_the_socket_is_blamed_for_it(void) {
    static uint8_t answer[HP_MESSAGE_MAX];
    uint8_t payload[4200];
    size_t size;
    test_worker worker = start_worker();
    hp_writer writer = {payload, payload + sizeof payload, 0};
    hp_put_u64(&writer, LIBRARY + 1);
    hp_put_text(&writer, HP_TEST_RUDE_LIBRARY);
    CHECK(ask(&worker, HP_SAY_OPEN, payload, &writer, answer, &size) == 0);
    CHECK(hp_remote_stage(worker.remote) == HP_STAGE_INIT || hp_remote_stage(worker.remote) == HP_STAGE_OPEN);
    CHECK(worker.waited.ending == HP_ENDED_DEATH && !worker.waited.killed);
    CHECK(bury(&worker) == -SIGABRT);
}

static void a_dead_worker_takes_no_call(void) {
    int32_t status;
    int64_t usage[3];
    test_worker worker = start_worker();
    hp_remote_kill(worker.remote);
    CHECK(hp_remote_reap(worker.remote, 20 * SECONDS, &status, usage) && status == -SIGKILL);
    enter(&worker, -1);
    CHECK(call(&worker, ANSWER) == HP_REMOTE_GONE);
    leave();
    hp_remote_free(worker.remote);
    worker.remote = start_program(HP_TEST_WORKER, NULL, worker.arena);
    greet(&worker); /* the next one uses the same arena */
    open_library(&worker, HP_TEST_CELL, LIBRARY);
    enter(&worker, -1);
    CHECK(call(&worker, ANSWER) == HP_OK);
    leave();
    bury(&worker);
}

/* ---- cells that do what they should not ---- */

static void the_worker_is_none_the_worse_for(int32_t behaviour) {
    test_worker worker = start_worker();
    enter(&worker, 20 * SECONDS);
    CHECK(call(&worker, behaviour) == HP_OK);
    for (int i = 0; i < 20; i++) CHECK(call(&worker, ANSWER) == HP_OK);
    leave();
    open_library(&worker, HP_TEST_CELL, LIBRARY + 1);
    bury(&worker);
}

static void cells_that_misbehave_and_answer_harm_nobody(void) {
    the_worker_is_none_the_worse_for(RETURN_TWICE);
    the_worker_is_none_the_worse_for(LEAVE_CHILD);
    the_worker_is_none_the_worse_for(SPOIL_PAGE);
}

static void a_cell_that_talks_to_the_controller_is_cut_off_at_the_latest_by_the_next_message(void) {
    static uint8_t answer[HP_MESSAGE_MAX];
    const uint8_t number[8] = {LIBRARY};
    size_t size;
    test_worker worker = start_worker();
    enter(&worker, -1);
    const int32_t status = call(&worker, TALK);
    CHECK(status == HP_OK || (status == HP_REMOTE_GONE && worker.waited.ending == HP_ENDED_NONSENSE));
    leave();
    if (status == HP_OK) hp_remote_ask(worker.remote, HP_SAY_OPEN, number, 8, -1, SECONDS, answer, &size, &worker.waited);
    bury(&worker);
}

int main(void) {
    results_come_back_whatever_their_size_and_order();
    inputs_may_go_back_and_leave_gaps();
    a_result_is_another_calls_input_where_it_lies();
    calls_do_not_take_ever_more_memory();
    no_memory_for_a_state_is_a_failure_that_leaves_it_as_it_was();
    a_failure_has_its_message_and_changes_no_state();
    a_cell_that_is_asked_to_stop_ends_and_its_worker_lives_on();
    a_request_to_stop_does_not_reach_the_message_after_the_call();
    a_request_to_stop_is_not_lost_while_arenas_are_made_known();
    a_cell_that_does_not_stop_is_killed_after_its_grace();
    a_cell_that_takes_too_long_is_killed_for_it();
    deaths_are_those_of_the_call_that_they_happen_in();
    a_constructor_that_closes_the_socket_is_blamed_for_it();
    a_dead_worker_takes_no_call();
    cells_that_misbehave_and_answer_harm_nobody();
    a_cell_that_talks_to_the_controller_is_cut_off_at_the_latest_by_the_next_message();
    return 0;
}
#else
int main(void) { return 0; }
#endif
