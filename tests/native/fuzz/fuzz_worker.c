/* fuzz_worker.c: a controller that says whatever it likes: messages and calls, to the worker's own main program.
 *
 * An input is a row of parts. The first byte of a part chooses a call, which goes into the page, or a kind of message.
 */
#include "fuzz.h"

#include "core/core.h"
#include "worker/crash.h"
#include "worker/sandbox.h"
#include "worker/worker.h"

#define hp_crash_arm(record) ((void)(record))
#define hp_sandbox_apply(policy, enforced) ((void)(policy), (void)(enforced), 0)
#define main hp_worker_main
#include "../../../csrc/worker/main.c"
#undef main

/* ---- a cell that uses all that it is given ---- */

static const char *const one_axis[] = {"n"};
static const hp_port inputs[] = {
    {"number", HP_PORT_SCALAR, {HP_INT, 32, 1}, NULL, 0, NULL},
    {"text", HP_PORT_TEXT, {HP_UINT, 8, 1}, NULL, 0, NULL},
    {"array", HP_PORT_STRIDED, {HP_FLOAT, 64, 1}, NULL, 1, one_axis},
};
static const hp_port outputs[] = {
    {"array", HP_PORT_ARRAY, {HP_FLOAT, 64, 1}, NULL, 1, one_axis},
    {"number", HP_PORT_SCALAR, {HP_INT, 32, 1}, NULL, 0, NULL},
    {"text", HP_PORT_TEXT, {HP_UINT, 8, 1}, NULL, 0, NULL},
    {"found", HP_PORT_DYNAMIC, {HP_FLOAT, 64, 1}, NULL, -1, NULL},
};

static void use_input(const hp_value *value) {
    if (value->kind == HP_TEXT) touch(value->as.text, strlen(value->as.text) + 1);
    if (value->kind == HP_TENSOR) touch(value->as.tensor.data, hp_tensor_span(&value->as.tensor));
}

static void fill_output(hp_ctx *ctx, hp_value *value, size_t bytes) {
    if (value->kind == HP_TENSOR) memset(value->as.tensor.data, 1, hp_tensor_span(&value->as.tensor));
    if (value->kind != HP_NONE) return;
    if (bytes % 2) {
        char *text = hp_alloc(ctx, bytes + 1);
        if (text == NULL) return;
        memset(text, 'x', bytes);
        text[bytes] = '\0';
        value->kind = HP_TEXT;
        value->as.text = text;
    } else {
        const int64_t shape[] = {(int64_t)bytes};
        void *data = ctx->out_array(ctx, value, (hp_dtype){HP_UINT, 8, 1}, 1, shape);
        if (data != NULL) memset(data, 2, bytes);
    }
}

static int32_t entry(hp_ctx *ctx, const hp_value *in, hp_value *out) {
    int number = 0;
    if (in[0].kind != HP_TENSOR && in[0].kind != HP_TEXT) memcpy(&number, in[0].as.bytes, sizeof number);
    for (int i = 0; i < 3; i++) use_input(&in[i]);
    for (int i = 0; i < 4; i++) fill_output(ctx, &out[i], (size_t)(number & 0x3fff));
    void *state = number & 0x4000 ? hp_state(ctx, (size_t)(number & 0xff), 1) : NULL;
    if (state != NULL && number & 0x8000) memset(state, number, (size_t)(number & 0xff));
    hp_progress(ctx, number, 100);
    if (number & 0x10000) hp_fail(ctx, "it failed with %d", number);
    return number & 0x20000 ? HP_NO_RESULT : HP_OK;
}

static const hp_cell cell = {sizeof(hp_cell), HP_ABI_VERSION, "cell", "void cell()", "key", "cc", entry, 3, 4, 0, 1, inputs, outputs, NULL};

/* ---- libraries and a system that are none ---- */

hp_library *hp_library_open(const char *path, int32_t *code, char *why, size_t size) {
    touch(path, strlen(path) + 1);
    *code = 0;
    if (path[0] == '!') snprintf(why, size, "there is no %s", path);
    return path[0] == '!' ? NULL : calloc(1, sizeof(hp_library));
}
const hp_cell *hp_library_cell(const hp_library *library) { return (void)library, &cell; }
int64_t hp_library_leases(const hp_library *library) { return library->leases; }
int32_t hp_library_close(hp_library *library) { return free(library), 1; }

static fuzz_input coming;

int64_t hp_worker_process(void) { return 1; }
int32_t hp_worker_attach(hp_worker *worker) { return (void)worker, -1; }
void hp_worker_check_connection(const hp_worker *worker) { (void)worker; }
int32_t hp_worker_watch_controller(hp_worker *worker) { return (void)worker, 0; }
void hp_worker_end_children(void) {}
void hp_worker_loaded(void) {}

size_t hp_worker_receive(hp_worker *worker, uint8_t *message, int32_t *descriptor) {
    (void)worker;
    const uint8_t kind = take_byte(&coming);
    const hp_message_head head = {HP_WIRE_MAGIC, kind & 0x1f, coming.left};
    const size_t size = kind & 0x80 ? 0 : sizeof head; /* else what comes has to bring its own */
    memcpy(message, &head, size);
    if (coming.left > 0) memcpy(message + size, coming.at, coming.left);
    *descriptor = kind & 0x40 ? -1 : 5;
    return size + coming.left;
}

void hp_worker_send(hp_worker *worker, int32_t kind, const uint8_t *payload, size_t size) {
    (void)worker;
    MUST(kind == HP_SAY_DONE || kind == HP_SAY_REFUSED || kind == HP_SAY_WAKE);
    touch(payload, size);
}

/* Of exactly this size, so that a sanitizer sees what lies behind it. */
void *hp_worker_map_memory(int32_t descriptor, uint64_t size, int32_t writable) {
    (void)descriptor, (void)writable;
    return size > 1 << 16 ? NULL : calloc(1, size > 0 ? (size_t)size : 1);
}

/* ---- the runs ---- */

static void serve(hp_worker *worker, fuzz_input part) {
    const uint8_t what = take_byte(&part);
    if (what & 0x20) {
        const uint64_t length = part.left + sizeof length; /* as the controller says it, or as the input does */
        uint8_t *body = worker->page->body + (what & 1 ? 0 : sizeof length);
        memcpy(worker->page->body, &length, sizeof length);
        if (part.left > 0) memcpy(body, part.at, part.left);
        worker->page->called++;
        serve_call(worker);
        MUST(worker->page->answered == worker->page->called && worker->page->stage == HP_STAGE_IDLE);
    } else {
        coming = (fuzz_input){part.at - 1, part.left + 1};
        serve_message(worker);
    }
}

static void map(hp_worker *worker, uint64_t number, uint64_t size, uint64_t writable) {
    const uint64_t payload[] = {number, size, writable};
    hp_reader reader = {(const uint8_t *)payload, (const uint8_t *)(payload + 3), 0};
    hp_writer answer = {NULL, NULL, 0};
    MUST(hp_worker_map(worker, &reader, 5, &answer) == HP_SAY_DONE);
}

static void forget(hp_worker *worker) {
    for (size_t i = 0; i < worker->nmapped; i++) free(worker->mapped[i].base);
    for (size_t i = 0; i < worker->nopened; i++) hp_library_close(worker->opened[i].library);
    free(worker->mapped);
    free(worker->opened);
    free(worker->copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static hp_page page;
    static const uint8_t open_first[] = {HP_SAY_OPEN, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, '/', 0, 0, 0, 0, 0, 0, 0};
    hp_worker worker = {.page = &page, .process = 1};
    fuzz_input input = {data, size};
    page.called = page.answered = 0;
    map(&worker, 1, 4096, 0);
    map(&worker, 2, 1 << 15, 1);
    serve(&worker, (fuzz_input){open_first, sizeof open_first});
    while (input.left > 0) {
        const fuzz_input part = take_part(&input);
        if (part.left > 0) serve(&worker, part);
    }
    forget(&worker);
    return 0;
}
