/* workers.h: a worker with the cell of cells/behaves.c, and calls of it. Linux only. */
#ifndef HOTPLATE_TESTS_WORKERS_H
#define HOTPLATE_TESTS_WORKERS_H

#if defined(__linux__)

#include "cells/behaves.h"
#include "check.h"
#include "core/page.h"
#include "core/say.h"
#include "core/wire.h"
#include "remote/remote.h"

#include <stdint.h>
#include <string.h>

#define MILLISECONDS ((int64_t)1000 * 1000)
#define SECONDS (1000 * MILLISECONDS)

enum { LIBRARY = 3 };

typedef struct test_worker {
    hp_remote *remote;
    hp_arena *arena;
    hp_library *library;
    hp_state_block *state;
    hp_waited waited;
} test_worker;

/* One call, and what came back. */
typedef struct test_outcome {
    int32_t status;
    char message[HP_MESSAGE_SIZE];
    hp_value out[5];
    double *array;
} test_outcome;

static inline void *unlock_nothing(void) { return NULL; }
static inline void lock_nothing(void *unlocked) { (void)unlocked; }

static inline hp_remote *start_program(const char *program, const char *argument, hp_arena *arena) {
    const char *const argv[] = {program, argument, NULL};
    /* A worker that is killed has no time to look for leaks, and the reports of one that dies are none of ours. */
    const char *const environment[] = {"ASAN_OPTIONS=detect_leaks=0:handle_abort=0", "TSAN_OPTIONS=handle_abort=0:atexit_sleep_ms=0", NULL};
    int32_t code;
    hp_remote *remote = hp_remote_start(argv, environment, NULL, 2, 2, arena, &code);
    CHECK(remote != NULL && code == 0);
    return remote;
}

static inline int32_t ask(test_worker *worker, int32_t kind, const uint8_t *from, const hp_writer *writer, uint8_t *answer, size_t *size) {
    return hp_remote_ask(worker->remote, kind, from, (size_t)(writer->at - from), -1, 20 * SECONDS, answer, size, &worker->waited);
}

static inline void greet(test_worker *worker) {
    static uint8_t answer[HP_MESSAGE_MAX];
    uint8_t payload[64];
    size_t size;
    hp_writer writer = {payload, payload + sizeof payload, 0};
    hp_put_u64(&writer, HP_PROTOCOL);
    hp_put_u64(&writer, HP_ABI_VERSION);
    hp_put_bytes(&writer, "", 0); /* no policy */
    CHECK(ask(worker, HP_SAY_HELLO, payload, &writer, answer, &size) == HP_SAY_DONE);
}

static inline void open_library(test_worker *worker, const char *path, uint64_t number) {
    static uint8_t answer[HP_MESSAGE_MAX];
    uint8_t payload[4200];
    size_t size;
    hp_writer writer = {payload, payload + sizeof payload, 0};
    hp_put_u64(&writer, number);
    hp_put_text(&writer, path);
    CHECK(ask(worker, HP_SAY_OPEN, payload, &writer, answer, &size) == HP_SAY_DONE);
    if (worker->library == NULL) worker->library = hp_library_remote(answer, size, number);
    CHECK(worker->library != NULL);
}

static inline test_worker start_worker(void) {
    test_worker started = {.state = hp_state_new()};
    int32_t code;
    started.arena = hp_arena_new(&code);
    CHECK(started.arena != NULL && started.state != NULL);
    started.remote = start_program(HP_TEST_WORKER, NULL, started.arena);
    greet(&started);
    open_library(&started, HP_TEST_CELL, LIBRARY);
    return started;
}

/* Returns how it ended: its exit code, or minus its signal. */
static inline int32_t bury(test_worker *worker) {
    int32_t status = 0;
    int64_t usage[3];
    hp_remote_kill(worker->remote);
    CHECK(hp_remote_reap(worker->remote, 20 * SECONDS, &status, usage));
    hp_remote_free(worker->remote);
    hp_library_remote_free(worker->library);
    hp_state_free(worker->state);
    hp_arena_release(worker->arena);
    return status;
}

static inline void call_with(test_worker *worker, int32_t behaviour, const uint8_t *bytes, int64_t size, int64_t stride, test_outcome *outcome) {
    static const int32_t form[] = {HP_PORT_DYNAMIC, HP_PORT_DYNAMIC, HP_PORT_TEXT, HP_PORT_SCALAR, HP_PORT_ARRAY};
    hp_value in[2] = {{.kind = HP_SCALAR}, {.kind = HP_TENSOR}};
    int64_t axes[] = {size, stride}, array_axes[] = {2, 1};
    memcpy(in[0].as.bytes, &behaviour, sizeof behaviour);
    in[1].as.tensor = (hp_tensor){(void *)(uintptr_t)bytes, {1, 0}, 1, {HP_UINT, 8, 1}, axes, axes + 1, 0};
    memset(outcome, 0, sizeof *outcome);
    outcome->array = hp_arena_block(worker->arena, 2 * sizeof(double));
    outcome->out[3].kind = HP_SCALAR;
    outcome->out[4].kind = HP_TENSOR;
    outcome->out[4].as.tensor = (hp_tensor){outcome->array, {1, 0}, 1, {HP_FLOAT, 64, 1}, array_axes, array_axes + 1, 0};
    hp_remote_call call = {.library = worker->library, .in = in, .out = outcome->out, .form = form, .nin = 2, .nout = 5,
                           .state = worker->state, .message = outcome->message, .unlock = unlock_nothing, .lock = lock_nothing};
    outcome->status = hp_remote_run(&call);
}

static inline void forget(test_outcome *outcome) {
    for (int i = 0; i < 2; i++) {
        if (outcome->out[i].kind != HP_TENSOR) continue;
        free(outcome->out[i].as.tensor.shape);
        hp_array_free(outcome->out[i].as.tensor.data);
    }
    if (outcome->out[2].kind == HP_TEXT) free((void *)(uintptr_t)outcome->out[2].as.text);
    hp_block_free(outcome->array);
}

/* A call whose results are of no interest. Returns its status. */
static inline int32_t call(test_worker *worker, int32_t behaviour) {
    static const uint8_t bytes[] = {1, 2, 3};
    test_outcome outcome;
    call_with(worker, behaviour, bytes, 3, 1, &outcome);
    forget(&outcome);
    return outcome.status;
}

#endif

#endif
