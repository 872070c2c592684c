/* call.c: one call of a cell in a worker: arguments into the page, results out of it, all of them looked at. */
#include "remote/inside.h"
#include "remote/pack.h"

#include <stdlib.h>
#include <string.h>

/* ---- what a call holds until it is over ---- */

typedef struct hp_passed {
    hp_remote *remote;
    hp_remote_call *call;
    hp_place *place;  /* of each input, then of each output */
    void **copy;      /* the block that an input was copied to; NULL: it lay in shared memory */
    void *state_copy;
    int32_t holds_state;
} hp_passed;

/* Where values are copied to that lie in no arena: written by the controller alone. */
static hp_arena *inputs(void) {
    static hp_arena *arena; /* made with the interpreter lock held, and kept */
    int32_t ignored;
    if (arena == NULL || !hp_arena_is_own(arena)) arena = hp_arena_new(&ignored); /* a parent's stays with it */
    return arena;
}

/* ---- before the call ---- */

/* An input in shared memory is passed as it is; any other, and one with strides that go back, is copied. */
static int32_t place_input(hp_passed *passed, int32_t input) {
    const hp_value *value = &passed->call->in[input];
    if (value->kind != HP_TENSOR) return HP_OK;
    const hp_tensor *tensor = &value->as.tensor;
    const size_t size = hp_packed_size(tensor);
    uint64_t offset = 0;
    hp_arena *arena = size == 0 ? inputs() : hp_arena_find(tensor->data, &offset);
    if (arena == NULL || hp_tensor_span(tensor) == SIZE_MAX) {
        arena = inputs();
        void *copy = arena == NULL ? NULL : hp_arena_block(arena, size);
        if (copy == NULL || hp_arena_find(copy, &offset) == NULL) return HP_REMOTE_MEMORY;
        passed->copy[input] = copy;
    }
    if (arena == NULL) return HP_REMOTE_MEMORY;
    passed->place[input] = (hp_place){hp_arena_number(arena), offset};
    return hp_remote_introduce(passed->remote, arena);
}

static int32_t place_output(hp_passed *passed, int32_t output) {
    const hp_value *value = &passed->call->out[output];
    hp_place *place = &passed->place[passed->call->nin + output];
    if (value->kind != HP_TENSOR) return HP_OK;
    hp_arena *arena = hp_arena_find(value->as.tensor.data, &place->offset);
    place->arena = hp_arena_number(passed->remote->arena);
    if (arena == passed->remote->arena) return HP_OK;
    place->offset = 0; /* an array without elements has no block */
    return hp_packed_size(&value->as.tensor) == 0 ? HP_OK : HP_REMOTE_MEMORY;
}

static int32_t refuse_state(const hp_passed *passed) {
    strcpy(passed->call->message, "another call of this cell is using its hp_state; call it from one thread at a time");
    return HP_FAILED;
}

/* A state that there is belongs to this call until its end, as in one process. */
static int32_t place_state(hp_passed *passed) {
    hp_state_block *state = passed->call->state;
    if (state == NULL || state->data == NULL) return HP_OK;
    if (!hp_state_take(state)) return refuse_state(passed);
    passed->holds_state = 1;
    passed->state_copy = hp_arena_block(passed->remote->arena, state->size);
    return passed->state_copy == NULL ? HP_REMOTE_MEMORY : HP_OK;
}

static int32_t place_all(hp_passed *passed) {
    int32_t status = hp_remote_introduce(passed->remote, passed->remote->arena);
    if (status == HP_OK) status = place_state(passed);
    for (int32_t i = 0; i < passed->call->nin && status == HP_OK; i++) status = place_input(passed, i);
    for (int32_t i = 0; i < passed->call->nout && status == HP_OK; i++) status = place_output(passed, i);
    return status;
}

/* ---- the call as bytes ---- */

static void put_input(hp_writer *writer, const hp_passed *passed, int32_t input) {
    const hp_value *value = &passed->call->in[input];
    hp_put_u64(writer, (uint64_t)value->kind);
    if (value->kind == HP_TEXT) {
        hp_put_text(writer, value->as.text);
    } else if (value->kind == HP_TENSOR) {
        hp_tensor tensor = value->as.tensor;
        int64_t strides[HP_WIRE_MAX_RANK];
        int64_t packed = 1;
        for (int32_t i = tensor.ndim - 1; i >= 0; i--) {
            strides[i] = passed->copy[input] != NULL ? packed : tensor.strides[i];
            packed *= tensor.shape[i];
        }
        tensor.strides = strides;
        hp_put_tensor(writer, &tensor, passed->place[input]);
    } else {
        uint64_t halves[2];
        memcpy(halves, value->as.bytes, sizeof halves);
        hp_put_u64(writer, halves[0]);
        hp_put_u64(writer, halves[1]);
    }
}

static void put_state(hp_writer *writer, const hp_passed *passed) {
    const hp_state_block *state = passed->call->state;
    uint64_t offset = 0;
    hp_put_u64(writer, (uint64_t)passed->holds_state);
    if (!passed->holds_state) return;
    hp_arena_find(passed->state_copy, &offset);
    hp_put_u64(writer, offset);
    hp_put_u64(writer, state->size);
    hp_put_u64(writer, state->version);
}

/* Returns whether it fits. */
static int put_call(const hp_passed *passed) {
    const hp_remote_call *call = passed->call;
    hp_page *page = passed->remote->page;
    hp_writer writer = {page->body + sizeof(uint64_t), page->body + sizeof page->body, 0};
    hp_region regions[HP_WIRE_MAX_REGIONS];
    const int32_t nregions = hp_arena_regions(passed->remote->arena, regions);
    hp_put_u64(&writer, call->library->number);
    hp_put_u64(&writer, hp_arena_number(passed->remote->arena));
    hp_put_u64(&writer, (uint64_t)nregions);
    for (int32_t i = 0; i < nregions; i++) {
        hp_put_u64(&writer, regions[i].offset);
        hp_put_u64(&writer, regions[i].size);
    }
    put_state(&writer, passed);
    hp_put_u64(&writer, (uint64_t)call->nin);
    for (int32_t i = 0; i < call->nin; i++) put_input(&writer, passed, i);
    hp_put_u64(&writer, (uint64_t)call->nout);
    for (int32_t i = 0; i < call->nout; i++) {
        const hp_value *value = &call->out[i];
        hp_put_u64(&writer, (uint64_t)call->form[i]);
        if (value->kind == HP_TENSOR) hp_put_tensor(&writer, &value->as.tensor, passed->place[call->nin + i]);
    }
    const uint64_t length = (uint64_t)(writer.at - page->body);
    memcpy(page->body, &length, sizeof length);
    return !writer.full;
}

/* ---- the answer ---- */

/* The bytes of a result that the worker chose a place for, as a block; NULL: it lies. */
static void *claim(const hp_passed *passed, hp_place place, size_t bytes) {
    if (place.arena != hp_arena_number(passed->remote->arena)) return NULL;
    return hp_arena_claim(passed->remote->arena, place.offset, bytes);
}

/* Whether its elements take whole bytes, so that everybody finds the same size for it. */
static int has_bytes(hp_dtype dtype) { return dtype.bits > 0 && dtype.bits % 8 == 0 && dtype.lanes > 0; }

static int get_array(hp_reader *reader, const hp_passed *passed, hp_value *value) {
    hp_place place;
    hp_tensor tensor;
    int64_t *axes = malloc(2 * HP_WIRE_MAX_RANK * sizeof *axes);
    if (axes == NULL) return -1;
    hp_get_tensor(reader, &tensor, &place, axes, 2 * HP_WIRE_MAX_RANK);
    const size_t bytes = reader->bad || !has_bytes(tensor.dtype) ? SIZE_MAX : hp_tensor_span(&tensor);
    tensor.data = bytes == SIZE_MAX ? NULL : claim(passed, place, bytes);
    if (tensor.data == NULL || !hp_is_packed(&tensor)) {
        hp_block_free(tensor.data);
        free(axes);
        return -1;
    }
    value->kind = HP_TENSOR;
    value->as.tensor = tensor;
    return 0;
}

static int get_text(hp_reader *reader, hp_value *value) {
    size_t size;
    const char *text = hp_get_bytes(reader, &size);
    char *copy = reader->bad ? NULL : malloc(size + 1);
    if (copy == NULL) return -1;
    memcpy(copy, text, size); /* no further than that: the worker may have changed it meanwhile */
    copy[size] = '\0';
    *value = (hp_value){.kind = HP_TEXT, .as.text = copy};
    return 0;
}

static int get_output(hp_reader *reader, const hp_passed *passed, int32_t output) {
    hp_value *value = &passed->call->out[output];
    const int32_t form = passed->call->form[output];
    const uint64_t kind = hp_get_count(reader, HP_TENSOR);
    if (reader->bad) return -1;
    if (form == HP_PORT_ARRAY) return kind == HP_TENSOR ? 0 : -1; /* it lies where the controller wanted it */
    if (kind == HP_NONE) {
        value->kind = HP_NONE;
        return form == HP_PORT_DYNAMIC || form == HP_PORT_TEXT ? 0 : -1;
    }
    if (form == HP_PORT_DYNAMIC) return kind == HP_TENSOR ? get_array(reader, passed, value) : -1;
    if (form == HP_PORT_TEXT) return kind == HP_TEXT ? get_text(reader, value) : -1;
    const uint64_t halves[2] = {hp_get_u64(reader), hp_get_u64(reader)};
    if (kind != HP_SCALAR || reader->bad) return -1;
    value->kind = HP_SCALAR;
    memcpy(value->as.bytes, halves, sizeof halves);
    return 0;
}

/* The state that the cell left, where it lies; without data when it left none. */
static int get_state(hp_reader *reader, const hp_passed *passed, hp_state_block *left) {
    *left = (hp_state_block){NULL, 0, 0, HP_STATE_FREE};
    if (hp_get_count(reader, 1) == 0) return reader->bad ? -1 : 0;
    const hp_place place = {hp_arena_number(passed->remote->arena), hp_get_u64(reader)};
    left->size = (size_t)hp_get_count(reader, PTRDIFF_MAX);
    left->version = (uint32_t)hp_get_count(reader, UINT32_MAX);
    if (!reader->bad && passed->call->state != NULL) left->data = claim(passed, place, left->size);
    return left->data == NULL ? -1 : 0;
}

/* Makes what the cell left its state, unless another call was quicker. Returns the status of the call. */
static int32_t keep_state(hp_passed *passed, hp_state_block *left) {
    hp_state_block *state = passed->call->state;
    if (left->data == NULL) return HP_OK;
    if (!passed->holds_state && state->data != NULL) return refuse_state(passed);
    if (passed->holds_state) hp_state_give_back(state);
    passed->holds_state = 0;
    const int32_t copied = hp_state_copy(state, left);
    if (copied == HP_STATE_IN_USE) return refuse_state(passed);
    return copied == HP_STATE_NO_MEMORY ? HP_NO_MEMORY : HP_OK;
}

/* The status, or -1 for nonsense. Of that nothing counts, so the state is kept when all else was understood. */
static int32_t get_answer(hp_passed *passed) {
    const hp_remote_call *call = passed->call;
    const hp_page *page = passed->remote->page;
    hp_reader reader = {page->body, page->body + sizeof page->body, 0};
    const int32_t status = (int32_t)hp_get_count(&reader, HP_BAD_RESULT);
    size_t size;
    const char *message = hp_get_bytes(&reader, &size);
    if (size >= HP_MESSAGE_SIZE) reader.bad = 1;
    if (reader.bad) return -1;
    memcpy(call->message, message, size);
    call->message[size] = '\0';
    if (status != HP_OK) return status;
    hp_state_block left;
    int failed = get_state(&reader, passed, &left);
    for (int32_t i = 0; i < call->nout && !failed; i++) failed = get_output(&reader, passed, i);
    const int32_t kept = failed ? -1 : keep_state(passed, &left);
    hp_block_free(left.data);
    return kept;
}

/* ---- all of it ---- */

static void let_go(hp_passed *passed) {
    for (int32_t i = 0; i < passed->call->nin; i++) hp_block_free(passed->copy[i]);
    hp_block_free(passed->state_copy);
    if (passed->holds_state) hp_state_give_back(passed->call->state);
}

static int32_t make_call(hp_passed *passed) {
    hp_remote *remote = passed->remote;
    hp_remote_call *call = passed->call;
    void *unlocked = call->unlock();
    for (int32_t i = 0; i < call->nin; i++)
        if (passed->copy[i] != NULL) hp_pack(passed->copy[i], &call->in[i].as.tensor);
    if (passed->state_copy != NULL) memcpy(passed->state_copy, call->state->data, call->state->size);
    const int fits = put_call(passed);
    if (fits) hp_remote_await(remote);
    call->lock(unlocked);
    if (!fits) return HP_REMOTE_FULL;
    if (remote->waited->ending != HP_ENDED_ANSWER) return HP_REMOTE_GONE;
    const int32_t status = get_answer(passed);
    if (status >= 0) return status;
    remote->waited->ending = HP_ENDED_NONSENSE;
    hp_remote_end(remote);
    return HP_REMOTE_GONE;
}

int32_t hp_remote_run(hp_remote_call *call) {
    hp_remote *remote = hp_remote_entered();
    if (remote == NULL) return HP_REMOTE_NONE;
    const size_t values = (size_t)call->nin + (size_t)call->nout;
    uint8_t *memory = calloc(values + 1, sizeof(hp_place) + sizeof(void *));
    if (memory == NULL) return HP_NO_MEMORY;
    hp_place *places = (hp_place *)(void *)memory;
    hp_passed passed = {.remote = remote, .call = call, .place = places, .copy = (void **)(void *)(places + values)};
    int32_t status = place_all(&passed);
    if (status == HP_OK) status = make_call(&passed);
    hp_arena_withdraw(remote->arena, status != HP_OK);
    let_go(&passed);
    free(memory);
    return status;
}
