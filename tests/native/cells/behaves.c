/* behaves.c: the cell of the tests of workers. Its first input says how it shall behave: see behaves.h. */
#define _GNU_SOURCE
#include "behaves.h"

#include "core/page.h"
#include "hotplate.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKER_SOCKET = 3 };

static void *result(hp_ctx *ctx, hp_value *out, int64_t bytes) {
    return ctx->out_array(ctx, out, (hp_dtype){HP_UINT, 8, 1}, 1, &bytes);
}

static void answer(hp_ctx *ctx, const hp_value *in, hp_value *out) {
    const int64_t size = in[1].as.tensor.shape[0];
    const uint8_t *given = in[1].as.tensor.data;
    uint8_t *second = result(ctx, &out[1], 3 * size); /* the last first: results come in any order */
    uint8_t *first = result(ctx, &out[0], size);
    char *text = hp_alloc(ctx, 64);
    int32_t *calls = hp_state(ctx, 256, 1);
    if (first == NULL || second == NULL || text == NULL || calls == NULL) return;
    for (int64_t i = 0; i < size; i++) {
        first[i] = (uint8_t)(given[i * in[1].as.tensor.strides[0]] + 1);
        memset(second + 3 * i, first[i], 3);
    }
    snprintf(text, 64, "call %d with %lld bytes", (int)++*calls, (long long)size);
    out[2].kind = HP_TEXT;
    out[2].as.text = text;
    memcpy(out[3].as.bytes, calls, sizeof *calls);
    memset(out[4].as.tensor.data, 4, 8 * (size_t)out[4].as.tensor.shape[0]);
    hp_progress(ctx, size, 2 * size);
}

static void spoil_page(hp_ctx *ctx) {
    const size_t distance = offsetof(hp_page, abort_word);
    hp_page *page = (hp_page *)(void *)((uint8_t *)(uintptr_t)(const void *)(uintptr_t)ctx->abort_word - distance);
    memset(page, 0x5a, distance); /* both sides' counters and flags */
    page->controller_sleeps = 0;
    memset(page->body, 0x5a, sizeof page->body);
}

static void leave_child(void) {
    if (fork() == 0)
        for (;;) pause();
}

/* As a debugger or a shell does: system calls that wait begin anew, in every thread. */
static void pause_and_go_on(void) {
    const pid_t cell = getpid(), other = fork();
    if (other < 0) return;
    while (other == 0 && usleep(1000) == 0) kill(cell, SIGCONT);
    kill(cell, SIGSTOP);
    usleep(20000);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
}

static void replace_socket(void) {
    const int other = open("/dev/zero", O_RDONLY);
    dup2(other, WORKER_SOCKET);
}

static int32_t entry(hp_ctx *ctx, const hp_value *in, hp_value *out) {
    static volatile int forever = 1;
    int32_t behaviour;
    memcpy(&behaviour, in[0].as.bytes, sizeof behaviour);
    if (behaviour == STOP_WHEN_ASKED) while (!hp_check(ctx)) usleep(100);
    if (behaviour == LOOP) while (forever) usleep(1000);
    if (behaviour == DIE) raise(SIGKILL);
    if (behaviour == EXIT) _exit(7);
    if (behaviour == CLOSE_SOCKET || behaviour == CLOSE_SOCKET_AND_PAUSE) close(WORKER_SOCKET);
    if (behaviour == CLOSE_ALL_AND_PAUSE)
        for (int i = WORKER_SOCKET; i < 256; i++) close(i);
    if (behaviour == CLOSE_SOCKET_AND_PAUSE || behaviour == CLOSE_ALL_AND_PAUSE) pause_and_go_on();
    if (behaviour == REPLACE_SOCKET) replace_socket();
    if (behaviour == RETURN_TWICE) fork();
    if (behaviour == LEAVE_CHILD) leave_child();
    if (behaviour == END_THREAD) pthread_exit(NULL);
    if (behaviour == SPOIL_PAGE) spoil_page(ctx);
    if (behaviour == TALK) send(WORKER_SOCKET, "nonsense", 8, 0);
    if (behaviour == FAIL) hp_fail(ctx, "it failed on purpose");
    answer(ctx, in, out);
    return HP_OK;
}

static const char *const one_axis[] = {"n"};
static const hp_port inputs[] = {
    {"behaviour", HP_PORT_SCALAR, {HP_INT, 32, 1}, NULL, 0, NULL},
    {"bytes", HP_PORT_STRIDED, {HP_UINT, 8, 1}, NULL, 1, one_axis},
};
static const hp_port outputs[] = {
    {"first", HP_PORT_DYNAMIC, {HP_UINT, 8, 1}, NULL, -1, NULL},
    {"second", HP_PORT_DYNAMIC, {HP_UINT, 8, 1}, NULL, -1, NULL},
    {"text", HP_PORT_TEXT, {HP_UINT, 8, 1}, NULL, 0, NULL},
    {"calls", HP_PORT_SCALAR, {HP_INT, 32, 1}, NULL, 0, NULL},
    {"array", HP_PORT_ARRAY, {HP_FLOAT, 64, 1}, NULL, 1, one_axis},
};

HP_EXPORT extern const hp_cell hotplate_cell;
const hp_cell hotplate_cell = {sizeof(hp_cell), HP_ABI_VERSION, "behaves", "void behaves()", "key", "cc", entry, 2, 5, 0, 1,
                               inputs, outputs, NULL};
