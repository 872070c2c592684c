/* call.c: one call in the worker: out of the page, into the cell, and its results back into the page. */
#include "remote/shared.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of the arena that results may be put in. The last one takes as many as fit, the others one each. */
typedef struct hp_room {
    hp_region region;
    uint64_t used;
} hp_room;

typedef struct hp_served {
    hp_host host; /* first, so that a host is its call */
    hp_worker *worker;
    hp_library *library;
    hp_value *in;
    hp_value *out;
    int32_t *form;
    int32_t nin;
    int32_t nout;
    uint32_t arena;
    uint8_t *base; /* of the arena */
    hp_room room[HP_WIRE_MAX_REGIONS];
    int32_t nrooms;
    hp_state_block state;
    hp_state_block before; /* the state as it came, lying in the arena */
} hp_served;

/* ---- memory for results ---- */

enum { RESULT_ALIGNMENT = 64, PAGE = 4096 };

static uint64_t rounded(uint64_t size, uint64_t unit) { return (size + unit - 1) & ~(unit - 1); }

/* The smallest free block that is large enough, else a part of the end. The controller makes a block of one of its sizes
 * of that, which takes up to a quarter more and has pages of its own if it has many. */
static void *new_result(hp_host *host, size_t bytes) {
    hp_served *served = (hp_served *)(void *)host;
    hp_room *best = NULL;
    for (int32_t i = 0; i < served->nrooms - 1; i++) {
        hp_room *room = &served->room[i];
        if (room->used == 0 && room->region.size >= bytes && (best == NULL || room->region.size < best->region.size)) best = room;
    }
    if (best != NULL && best->region.size / 4 <= bytes) {
        best->used = best->region.size;
        return served->base + best->region.offset;
    }
    hp_room *end = &served->room[served->nrooms - 1];
    const uint64_t begin = rounded(end->used, bytes >= PAGE ? PAGE : RESULT_ALIGNMENT);
    const uint64_t wanted = rounded(bytes + bytes / 4 + RESULT_ALIGNMENT, RESULT_ALIGNMENT);
    if (wanted < bytes || begin > end->region.size || wanted > end->region.size - begin) return NULL;
    uint8_t *data = served->base + end->region.offset + begin;
    if (hp_shared_commit(data, wanted) != 0) return NULL;
    end->used = begin + wanted;
    return data;
}

#if !HP_REDZONES
static void free_result(hp_host *host, void *data) {
    hp_served *served = (hp_served *)(void *)host;
    if (data == NULL) return;
    const uint64_t offset = (uint64_t)((uint8_t *)data - served->base);
    for (int32_t i = 0; i < served->nrooms - 1; i++)
        if (served->room[i].region.offset == offset) served->room[i].used = 0;
}
#endif

static hp_place place_of(const hp_served *served, const void *data) {
    return (hp_place){served->arena, (uint64_t)((const uint8_t *)data - served->base)};
}

/* ---- the call ---- */

static void get_rooms(hp_reader *reader, hp_served *served) {
    served->arena = (uint32_t)hp_get_count(reader, UINT32_MAX);
    served->base = hp_worker_address(served->worker, (hp_place){served->arena, 0}, 0, 1);
    served->nrooms = (int32_t)hp_get_count(reader, HP_WIRE_MAX_REGIONS);
    for (int32_t i = 0; i < served->nrooms; i++) {
        const uint64_t offset = hp_get_u64(reader), size = hp_get_u64(reader);
        served->room[i] = (hp_room){{offset, size}, 0};
        if (hp_worker_address(served->worker, (hp_place){served->arena, offset}, (size_t)size, 1) == NULL) reader->bad = 1;
    }
    if (served->base == NULL || served->nrooms == 0) reader->bad = 1;
}

static void get_state(hp_reader *reader, hp_served *served) {
    if (hp_get_count(reader, 1) == 0) return;
    const hp_place place = {served->arena, hp_get_u64(reader)};
    const size_t size = (size_t)hp_get_count(reader, PTRDIFF_MAX);
    const uint32_t version = (uint32_t)hp_get_count(reader, UINT32_MAX);
    void *lies = hp_worker_address(served->worker, place, size, 1);
    if (reader->bad || lies == NULL) {
        reader->bad = 1;
        return;
    }
    served->before = (hp_state_block){lies, size, version, HP_STATE_FREE};
    served->state = (hp_state_block){hp_memory_new(size), size, version, HP_STATE_FREE};
    if (served->state.data == NULL)
        served->host.out_of_memory = 1;
    else
        memcpy(served->state.data, lies, size);
}

/* A tensor of the call, with axes that live as long as the call. */
static void get_tensor(hp_reader *reader, const hp_served *served, hp_value *value, int64_t **axes, const int64_t *end,
                       int32_t writable) {
    hp_place place;
    *axes += hp_get_tensor(reader, &value->as.tensor, &place, *axes, (size_t)(end - *axes));
    const size_t span = reader->bad ? SIZE_MAX : hp_tensor_span(&value->as.tensor);
    value->kind = HP_TENSOR;
    value->as.tensor.data = span == SIZE_MAX ? NULL : hp_worker_address(served->worker, place, span, writable);
    if (value->as.tensor.data == NULL) reader->bad = 1;
}

static void get_input(hp_reader *reader, const hp_served *served, hp_value *value, int64_t **axes, const int64_t *end) {
    const int32_t kind = (int32_t)hp_get_count(reader, HP_TENSOR);
    value->kind = kind;
    if (kind == HP_TEXT) {
        value->as.text = hp_get_text(reader);
    } else if (kind == HP_TENSOR) {
        get_tensor(reader, served, value, axes, end, 0);
    } else {
        const uint64_t halves[2] = {hp_get_u64(reader), hp_get_u64(reader)};
        memcpy(value->as.bytes, halves, sizeof halves);
    }
}

static void get_output(hp_reader *reader, const hp_served *served, int32_t output, int64_t **axes, const int64_t *end) {
    const int32_t form = served->form[output] = (int32_t)hp_get_count(reader, HP_PORT_DYNAMIC);
    hp_value *value = &served->out[output];
    value->kind = form == HP_PORT_DYNAMIC || form == HP_PORT_TEXT ? HP_NONE : HP_SCALAR;
    if (form == HP_PORT_ARRAY) get_tensor(reader, served, value, axes, end, 1);
}

/* Everything that a call needs, in one block of memory; NULL: there is none, or this is no call. */
static void *get_call(hp_reader *reader, hp_served *served) {
    const uint64_t number = hp_get_u64(reader);
    served->library = hp_worker_library(served->worker, number);
    get_rooms(reader, served);
    get_state(reader, served);
    const size_t left = (size_t)(reader->end - reader->at) / 8; /* every value and every axis takes 8 bytes at least */
    uint8_t *memory = malloc(left * (2 * sizeof(hp_value) + sizeof(int64_t) + sizeof(int32_t)) + 1);
    if (memory == NULL || reader->bad || served->library == NULL) {
        free(memory);
        return NULL;
    }
    served->in = (hp_value *)(void *)memory;
    served->out = served->in + left;
    int64_t *axes = (int64_t *)(void *)(served->out + left);
    const int64_t *end = axes + left;
    served->form = (int32_t *)(void *)(axes + left);
    served->nin = (int32_t)hp_get_count(reader, left);
    for (int32_t i = 0; i < served->nin; i++) get_input(reader, served, &served->in[i], &axes, end);
    served->nout = (int32_t)hp_get_count(reader, left);
    for (int32_t i = 0; i < served->nout; i++) get_output(reader, served, i, &axes, end);
    const hp_cell *cell = hp_library_cell(served->library);
    if (!reader->bad && cell != NULL && cell->nin == served->nin && cell->nout == served->nout) return memory;
    free(memory);
    return NULL;
}

/* ---- the answer ---- */

/* 0, or -1 when there is no memory for it. */
static int put_state(hp_writer *writer, hp_served *served) {
    const hp_state_block *now = &served->state, *before = &served->before;
    const int same = now->data == NULL || (before->data != NULL && now->size == before->size && now->version == before->version &&
                                           memcmp(now->data, before->data, now->size) == 0);
    hp_put_u64(writer, !same);
    if (same) return 0;
    void *left = new_result(&served->host, now->size);
    if (left == NULL) return -1;
    memcpy(left, now->data, now->size);
    hp_put_u64(writer, place_of(served, left).offset);
    hp_put_u64(writer, now->size);
    hp_put_u64(writer, now->version);
    return 0;
}

static void put_output(hp_writer *writer, const hp_served *served, int32_t output) {
    const hp_value *value = &served->out[output];
    hp_put_u64(writer, (uint64_t)value->kind);
    if (value->kind == HP_NONE || served->form[output] == HP_PORT_ARRAY) return;
    if (value->kind == HP_TEXT) {
        hp_put_text(writer, value->as.text);
    } else if (value->kind == HP_TENSOR) {
        hp_put_tensor(writer, &value->as.tensor, place_of(served, value->as.tensor.data));
    } else {
        uint64_t halves[2];
        memcpy(halves, value->as.bytes, sizeof halves);
        hp_put_u64(writer, halves[0]);
        hp_put_u64(writer, halves[1]);
    }
}

static void put_failure(hp_page *page, int32_t status, const char *message) {
    hp_writer writer = {page->body, page->body + sizeof page->body, 0};
    hp_put_u64(&writer, (uint64_t)status);
    hp_put_text(&writer, message);
}

static void put_answer(hp_served *served, int32_t status) {
    hp_page *page = served->worker->page;
    if (status != HP_OK) {
        put_failure(page, status, served->host.message);
        return;
    }
    hp_writer writer = {page->body, page->body + sizeof page->body, 0};
    hp_put_u64(&writer, HP_OK);
    hp_put_text(&writer, "");
    if (put_state(&writer, served) != 0) {
        put_failure(page, HP_NO_MEMORY, "");
        return;
    }
    for (int32_t i = 0; i < served->nout; i++) put_output(&writer, served, i);
    if (writer.full)
        put_failure(page, HP_BAD_RESULT, "its text is longer than a worker can hand over; isolated cells give 200 KB in all, "
                                         "and more in an array of bytes");
}

/* ---- all of it ---- */

static void progress(hp_ctx *ctx, int64_t done, int64_t total) {
    hp_page *page = ((hp_served *)(void *)ctx)->worker->page;
    page->total = total;
    page->done = done;
}

#if HP_REDZONES
/* Results that the cell has made itself lie on the heap until it is done. What it made for a port of another kind is no result. */
static void move_results(hp_served *served) {
    for (int32_t i = 0; i < served->nout; i++) {
        hp_value *value = &served->out[i];
        if (served->form[i] == HP_PORT_ARRAY || value->kind != HP_TENSOR) continue;
        void *made = value->as.tensor.data, *lies = NULL;
        if (served->form[i] == HP_PORT_DYNAMIC) {
            const size_t size = hp_tensor_span(&value->as.tensor);
            lies = new_result(&served->host, size ? size : 1);
            if (lies != NULL) memcpy(lies, made, size);
            if (lies == NULL) served->host.out_of_memory = 1;
        }
        value->as.tensor.data = lies;
        hp_aligned_free(made);
    }
}

static int32_t enter(const hp_cell *cell, hp_served *served) {
    hp_guarded call = {served->in, served->out, served->nin, served->nout, &served->state, NULL};
    call.guard = calloc((size_t)served->nin + (size_t)served->nout + 1, sizeof *call.guard);
    if (call.guard == NULL) return HP_NO_MEMORY;
    hp_redzones_begin(&call);
    const int32_t returned = cell->entry(&served->host.ctx, served->in, served->out);
    hp_redzones_end(&call);
    free(call.guard);
    move_results(served);
    return returned;
}
#else
static int32_t enter(const hp_cell *cell, hp_served *served) {
    return cell->entry(&served->host.ctx, served->in, served->out);
}
#endif

static int32_t run(hp_served *served) {
    const hp_cell *cell = hp_library_cell(served->library);
    hp_host_begin(&served->host);
    served->worker->page->stage = HP_STAGE_RUN;
    const int32_t returned = enter(cell, served);
    if (hp_worker_process() != served->worker->process) _Exit(0); /* a child that the cell forked came back here too */
    hp_worker_check_connection(served->worker);
    served->worker->page->stage = HP_STAGE_PUBLISH;
    served->worker->page->observed = served->host.ctx.observed;
    return hp_host_verdict(&served->host, returned);
}

static void release(hp_served *served, void *memory) {
    for (int32_t i = 0; memory != NULL && i < served->nout; i++)
        if (served->form[i] != HP_PORT_ARRAY && served->out[i].kind == HP_TENSOR) free(served->out[i].as.tensor.shape);
    hp_memory_free(served->state.data);
    free(memory);
}

/* The call in private memory: the cell may keep pointers into its text, and the answer takes its place in the page. */
static hp_reader copied(hp_worker *worker) {
    hp_reader reader = {worker->page->body, worker->page->body + sizeof worker->page->body, 0};
    const uint64_t length = hp_get_count(&reader, sizeof worker->page->body);
    if (length > worker->copy_size) {
        free(worker->copy);
        worker->copy = malloc((size_t)length);
        worker->copy_size = worker->copy == NULL ? 0 : (size_t)length;
    }
    if (reader.bad || worker->copy == NULL || length < sizeof length) return (hp_reader){NULL, NULL, 1};
    memcpy(worker->copy, worker->page->body, (size_t)length);
    return (hp_reader){worker->copy + sizeof length, worker->copy + length, 0};
}

void hp_worker_call(hp_worker *worker) {
    hp_served served = {.worker = worker};
    hp_reader reader = copied(worker);
    hp_host_init(&served.host, &worker->page->abort_word);
    served.host.ctx.progress = progress;
#if !HP_REDZONES
    served.host.new_result = new_result;
    served.host.free_result = free_result;
#endif
    worker->page->done = worker->page->total = 0;
    worker->page->observed = 0;
    void *memory = reader.bad ? NULL : get_call(&reader, &served);
    if (memory == NULL) {
        put_failure(worker->page, HP_BAD_RESULT, "the worker could not read the call");
    } else if (served.host.out_of_memory) { /* the cell would take its state for a new one */
        put_failure(worker->page, HP_NO_MEMORY, "");
    } else {
        hp_host_set_state(&served.host, &served.state);
        const int32_t status = run(&served);
        put_answer(&served, status); /* before scratch memory goes, where text may lie */
        hp_host_end(&served.host, status);
        fflush(NULL); /* streams of the cell may have functions of their own, and those may fork */
        if (hp_worker_process() != worker->process) _Exit(0);
        hp_worker_end_children();
    }
    release(&served, memory);
    worker->page->stage = HP_STAGE_IDLE;
}
