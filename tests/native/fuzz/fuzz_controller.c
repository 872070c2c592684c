/* fuzz_controller.c: a worker that says whatever it likes: descriptions, messages and answers to calls.
 *
 * The first byte of an input chooses which. Behind it, an answer may name places that change from run to run by tokens of
 * 8 bytes: TOKEN_ARENA is the number of the worker's arena, TOKEN_PLACE + 65536 * region + distance an offset in it.
 */
#include "fuzz.h"

#include "remote/inside.h"

#include <sys/mman.h>

#define TOKEN_ARENA 0xA4E0A4E000000000ull
#define TOKEN_PLACE 0x0FF50FF500000000ull

/* ---- a process that is none: it answers at once, with the input ---- */

struct hp_process {
    hp_page *page;
};

static fuzz_input spoken;

hp_process *hp_process_start(const hp_start *start, int32_t *code) {
    hp_process *process = malloc(sizeof *process);
    MUST(process != NULL);
    *code = 0;
    process->page = mmap(NULL, sizeof(hp_page), PROT_READ | PROT_WRITE, MAP_SHARED, start->page, 0);
    MUST(process->page != MAP_FAILED);
    process->page->worker_sleeps = 1;
    return process;
}

void hp_process_free(hp_process *process) {
    munmap(process->page, sizeof *process->page);
    free(process);
}

static uint64_t replaced(const hp_page *page, uint64_t word) {
    uint64_t head[4], region[2];
    memcpy(head, page->body, sizeof head); /* length, library, arena, regions */
    if ((word & 0xffffffff00000000ull) == TOKEN_ARENA) return head[2] + (word & 0xffffffff);
    if ((word & 0xffffffff00000000ull) != TOKEN_PLACE || head[3] == 0) return word;
    const uint64_t index = (word >> 16 & 0xffff) % head[3];
    memcpy(region, page->body + sizeof head + index * sizeof region, sizeof region);
    return region[0] + (word & 0xffff);
}

static void answer_call(hp_page *page) {
    static uint8_t answer[1 << 16];
    const size_t size = spoken.left < sizeof answer ? spoken.left : sizeof answer;
    if (size > 0) memcpy(answer, spoken.at, size);
    for (size_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, answer + i, sizeof word);
        word = replaced(page, word);
        memcpy(answer + i, &word, sizeof word);
    }
    memcpy(page->body, answer, size);
    page->answered = page->called;
}

int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor) {
    hp_message_head head;
    (void)descriptor;
    MUST(size >= sizeof head);
    memcpy(&head, message, sizeof head);
    touch(message, size);
    if (head.kind == HP_SAY_WAKE) answer_call(process->page);
    return 0;
}

static int introduced; /* the arenas; only what comes later is of interest */

int64_t hp_process_receive(hp_process *process, void *message, size_t capacity) {
    (void)process;
    if (introduced) {
        if (spoken.left == 0) return -1;
        fuzz_input part = take_part(&spoken);
        const uint8_t kind = take_byte(&part);
        const hp_message_head head = {HP_WIRE_MAGIC, kind & 0x1f, part.left};
        const size_t headed = kind & 0x80 ? 0 : sizeof head; /* else what comes has to bring its own */
        const size_t size = part.left < capacity - headed ? part.left : capacity - headed;
        memcpy(message, &head, headed);
        if (size > 0) memcpy((uint8_t *)message + headed, part.at, size);
        return headed + size > 0 ? (int64_t)(headed + size) : -1;
    }
    const hp_message_head done = {HP_WIRE_MAGIC, HP_SAY_DONE, 0};
    memcpy(message, &done, sizeof done);
    return sizeof done;
}

int32_t hp_process_wait(hp_process *process, int64_t nanoseconds) {
    (void)process, (void)nanoseconds;
    return introduced && spoken.left == 0 ? HP_SAW_DEATH : HP_SAW_MESSAGE;
}

int64_t hp_process_id(const hp_process *process) { return (void)process, 1; }
int32_t hp_process_descriptor(const hp_process *process) { return (void)process, -1; }
void hp_process_wake(hp_process *process) { (void)process; }
void hp_process_kill(hp_process *process) { (void)process; }
void hp_process_join(hp_process *process, int64_t nanoseconds) { (void)process, (void)nanoseconds; }
int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]) {
    return (void)process, (void)usage, *status = 0, 1;
}

/* ---- descriptions ---- */

static void touch_text(const char *text) { touch(text, strlen(text) + 1); }

static void touch_record(const hp_record *record) {
    if (record == NULL) return;
    touch_text(record->name);
    for (int32_t i = 0; i < record->nfields; i++) {
        touch_text(record->fields[i].name);
        touch_record(record->fields[i].record);
    }
}

static void touch_ports(const hp_port *ports, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        touch_text(ports[i].name);
        touch_record(ports[i].record);
        for (int32_t axis = 0; axis < ports[i].ndim; axis++) touch_text(ports[i].extents[axis]);
    }
}

static int is_complete(const hp_cell *cell) {
    return cell->abi_version == HP_ABI_VERSION && cell->struct_size >= sizeof(hp_cell);
}

/* What was understood can be written, is understood again, and is written as the same bytes. */
static void write_again(const hp_cell *cell) {
    static uint8_t first[1 << 20], second[1 << 20];
    hp_writer writer = {first, first + sizeof first, 0};
    hp_put_cell(&writer, cell);
    if (writer.full) return;
    hp_reader reader = {first, writer.at, 0};
    hp_cell *copy = hp_get_cell(&reader);
    MUST(copy != NULL && reader.at == reader.end);
    hp_writer again = {second, second + sizeof second, 0};
    hp_put_cell(&again, copy);
    MUST(again.at - second == writer.at - first && memcmp(first, second, (size_t)(writer.at - first)) == 0);
    hp_cell_free(copy);
}

static void fuzz_description(fuzz_input input) {
    hp_library *library = hp_library_remote(input.at, input.left, 7);
    if (library == NULL) return;
    const hp_cell *cell = library->described;
    if (is_complete(cell)) {
        touch_text(cell->name);
        touch_text(cell->signature);
        touch_text(cell->unit_key);
        touch_text(cell->compiler);
        for (int32_t i = 0; i < cell->nsymbols; i++) touch_text(cell->symbols[i].name);
        touch_ports(cell->in, cell->nin);
        touch_ports(cell->out, cell->nout);
    }
    write_again(cell);
    hp_library_remote_free(library);
}

/* ---- messages ---- */

static hp_remote *start(hp_arena *arena) {
    const char *const nothing[] = {"worker", NULL};
    int32_t code;
    hp_remote *remote = hp_remote_start(nothing, nothing + 1, NULL, 1, 2, arena, &code);
    MUST(remote != NULL);
    return remote;
}

static void fuzz_messages(fuzz_input input) {
    static uint8_t answer[HP_MESSAGE_MAX];
    hp_remote *remote = start(NULL);
    hp_waited waited;
    size_t size;
    spoken = input;
    introduced = 1;
    for (int i = 0; i < 4; i++) {
        const int32_t kind = hp_remote_ask(remote, HP_SAY_OPEN, "12345678", 8, -1, -1, answer, &size, &waited);
        MUST((kind != 0 || size == 0 || waited.ending != HP_ENDED_ANSWER) && size <= sizeof answer);
        touch(answer, size);
    }
    hp_remote_free(remote);
}

/* ---- answers to calls ---- */

enum { OUTPUTS = 6 };

static void *nothing_to_unlock(void) { return NULL; }
static void nothing_to_lock(void *unlocked) { (void)unlocked; }

static void check_output(hp_arena *arena, int32_t form, hp_value *value) {
    if (value->kind == HP_TEXT) {
        touch_text(value->as.text);
        free((void *)(uintptr_t)value->as.text);
    } else if (value->kind == HP_TENSOR && form == HP_PORT_DYNAMIC) {
        const hp_tensor *tensor = &value->as.tensor;
        uint64_t offset;
        size_t bytes = (size_t)tensor->dtype.bits * tensor->dtype.lanes / 8; /* as whoever adopts it counts */
        for (int32_t i = 0; i < tensor->ndim; i++) bytes *= (size_t)tensor->shape[i];
        MUST(hp_arena_find(tensor->data, &offset) == arena && bytes <= hp_arena_capacity(arena) - offset);
        MUST(hp_tensor_span(tensor) == bytes);
        touch(tensor->data, bytes < 4096 ? bytes : 4096);
        free(tensor->shape);
        hp_array_free(tensor->data);
    }
}

static void make_call(hp_arena *arena, fuzz_input *input) {
    hp_value out[OUTPUTS];
    int32_t form[OUTPUTS];
    int64_t extent[] = {3, 1};
    char message[HP_MESSAGE_SIZE] = "";
    hp_library library = {.number = 7};
    hp_remote_call call = {.library = &library, .out = out, .form = form, .nout = take_byte(input) % OUTPUTS, .message = message,
                           .unlock = nothing_to_unlock, .lock = nothing_to_lock};
    for (int32_t i = 0; i < call.nout; i++) {
        form[i] = take_byte(input) % (HP_PORT_DYNAMIC + 1);
        out[i].kind = form[i] == HP_PORT_DYNAMIC || form[i] == HP_PORT_TEXT ? HP_NONE : HP_SCALAR;
        if (form[i] != HP_PORT_ARRAY) continue;
        out[i].kind = HP_TENSOR;
        out[i].as.tensor = (hp_tensor){hp_arena_block(arena, 24), {1, 0}, 1, {HP_INT, 64, 1}, extent, extent + 1, 0};
    }
    if (take_byte(input) & 1) call.state = hp_state_new();
    spoken = *input;
    const int32_t status = hp_remote_run(&call);
    MUST(status == HP_REMOTE_GONE || (status >= HP_OK && status <= HP_BAD_RESULT));
    touch_text(message);
    for (int32_t i = 0; i < call.nout; i++) {
        check_output(arena, form[i], &out[i]);
        if (form[i] == HP_PORT_ARRAY) hp_block_free(out[i].as.tensor.data);
    }
    if (call.state != NULL) touch(call.state->data, call.state->size < 4096 ? call.state->size : 4096);
    hp_state_free(call.state);
}

static void fuzz_answer(fuzz_input input) {
    static hp_arena *arena; /* its own memory has no limits that a sanitizer knows: what is claimed is checked above */
    int32_t code;
    hp_waited waited;
    if (arena == NULL) arena = hp_arena_new(&code);
    MUST(arena != NULL);
    hp_arenas_limit(1 << 20);
    hp_remote *remote = start(arena);
    hp_remote_enter(remote, -1, 0, &waited);
    introduced = 0;
    make_call(arena, &input);
    hp_remote_enter(NULL, -1, 0, NULL);
    hp_remote_free(remote);
    uint64_t limit, used, free_bytes;
    int32_t count;
    hp_arenas_usage(&limit, &used, &free_bytes, &count);
    MUST(used == 0 && free_bytes <= limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    const uint8_t which = take_byte(&input);
    if (which % 3 == 0)
        fuzz_description(input);
    else if (which % 3 == 1)
        fuzz_messages(input);
    else
        fuzz_answer(input);
    return 0;
}
