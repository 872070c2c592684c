/* What controller and worker write, read back; and every way of cutting it short or spoiling a byte of it. */
#include "check.h"
#include "core/wire.h"

#include <string.h>

static uint8_t buffer[8192];

static hp_writer writer(void) { return (hp_writer){buffer, buffer + sizeof buffer, 0}; }
static hp_reader written(const hp_writer *writer) { return (hp_reader){buffer, writer->at, 0}; }

/* ---- items ---- */

static void numbers_and_bytes_come_back(void) {
    static const uint64_t numbers[] = {0, 1, 255, UINT32_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    hp_writer to = writer();
    for (size_t i = 0; i < 6; i++) hp_put_u64(&to, numbers[i]);
    for (size_t size = 0; size < 20; size++) hp_put_bytes(&to, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23", size);
    hp_put_text(&to, "text");
    CHECK(!to.full && (to.at - buffer) % 8 == 0);
    hp_reader from = written(&to);
    for (size_t i = 0; i < 6; i++) CHECK(hp_get_u64(&from) == numbers[i]);
    for (size_t size = 0; size < 20; size++) {
        size_t found;
        const char *bytes = hp_get_bytes(&from, &found);
        CHECK(found == size && bytes[size] == 0 && (size == 0 || bytes[size - 1] == (char)(size - 1)));
    }
    CHECK(strcmp(hp_get_text(&from), "text") == 0 && !from.bad && from.at == from.end);
    CHECK(hp_get_u64(&from) == 0 && from.bad);
}

static void text_has_no_zero_in_it(void) {
    hp_writer to = writer();
    hp_put_bytes(&to, "a\0b", 3);
    hp_reader from = written(&to);
    CHECK(hp_get_text(&from)[0] == 0 && from.bad);
}

static void a_count_beyond_its_limit_is_bad_and_all_that_follows_is_zero(void) {
    hp_writer to = writer();
    hp_put_u64(&to, 9);
    hp_put_u64(&to, 9);
    hp_put_u64(&to, 9);
    hp_reader from = written(&to);
    CHECK(hp_get_count(&from, 9) == 9 && !from.bad);
    CHECK(hp_get_count(&from, 8) == 0 && from.bad);
    CHECK(hp_get_u64(&from) == 0);
}

static void lengths_that_wrap_around_are_bad(void) {
    static const uint64_t lengths[] = {UINT64_MAX, UINT64_MAX - 7, (uint64_t)INT64_MAX, (uint64_t)1 << 62, 17};
    for (size_t i = 0; i < 5; i++) {
        size_t size;
        hp_writer to = writer();
        hp_put_u64(&to, lengths[i]);
        hp_put_u64(&to, 0);
        hp_put_u64(&to, 0);
        hp_reader from = written(&to);
        CHECK(hp_get_bytes(&from, &size)[0] == 0 && size == 0 && from.bad);
    }
}

static void nothing_is_written_past_the_end(void) {
    for (size_t room = 0; room < 40; room++) {
        hp_writer to = {buffer, buffer + room, 0};
        memset(buffer, 0x77, sizeof buffer);
        hp_put_u64(&to, 1);
        hp_put_text(&to, "0123456789");
        CHECK(to.full == (room < 32) && to.at <= to.end);
        for (size_t i = room; i < 64; i++) CHECK(buffer[i] == 0x77);
    }
    hp_writer to = writer();
    hp_put_bytes(&to, "", SIZE_MAX);
    CHECK(to.full);
}

/* ---- tensors ---- */

static void tensors_come_back(void) {
    int64_t shape[] = {3, 4}, strides[] = {8, -2}, axes[4];
    const hp_tensor tensor = {NULL, {1, 0}, 2, {HP_COMPLEX, 128, 7}, shape, strides, 0};
    hp_tensor found;
    hp_place place;
    hp_writer to = writer();
    hp_put_tensor(&to, &tensor, (hp_place){5, 640});
    hp_reader from = written(&to);
    CHECK(hp_get_tensor(&from, &found, &place, axes, 4) == 4 && !from.bad && from.at == from.end);
    CHECK(place.arena == 5 && place.offset == 640 && found.ndim == 2 && found.shape == axes && found.strides == axes + 2);
    CHECK(found.dtype.code == HP_COMPLEX && found.dtype.bits == 128 && found.dtype.lanes == 7);
    CHECK(memcmp(found.shape, shape, sizeof shape) == 0 && memcmp(found.strides, strides, sizeof strides) == 0);
    from = written(&to);
    CHECK(hp_get_tensor(&from, &found, &place, axes, 3) == 0 && from.bad); /* more axes than there is room for */
}

static size_t span(int32_t ndim, int64_t *shape, int64_t *strides, hp_dtype dtype) {
    const hp_tensor tensor = {NULL, {1, 0}, ndim, dtype, shape, strides, 0};
    return hp_tensor_span(&tensor);
}

static void a_span_reaches_from_the_lowest_to_the_highest_element(void) {
    const hp_dtype wide = {HP_FLOAT, 64, 1}, record = {HP_RECORD, 8, 12}, nothing = {HP_RECORD, 8, 0};
    CHECK(span(0, NULL, NULL, wide) == 8);
    CHECK(span(2, (int64_t[]){3, 4}, (int64_t[]){4, 1}, wide) == 96);
    CHECK(span(2, (int64_t[]){3, 4}, (int64_t[]){1, 10}, record) == 33 * 12);
    CHECK(span(2, (int64_t[]){3, 4}, (int64_t[]){0, 1}, wide) == 32);
    CHECK(span(2, (int64_t[]){3, 0}, (int64_t[]){9, 9}, wide) == 0);
    CHECK(span(1, (int64_t[]){3}, (int64_t[]){1}, nothing) == 0);
    CHECK(span(1, (int64_t[]){-1}, (int64_t[]){1}, wide) == SIZE_MAX);
    CHECK(span(1, (int64_t[]){2}, (int64_t[]){-1}, wide) == SIZE_MAX);
    CHECK(span(1, (int64_t[]){INT64_MAX}, (int64_t[]){1}, wide) == SIZE_MAX);
    CHECK(span(1, (int64_t[]){INT64_MAX}, (int64_t[]){INT64_MAX}, (hp_dtype){HP_INT, 8, 1}) == SIZE_MAX);
    CHECK(span(3, (int64_t[]){0, 2, (int64_t)1 << 62}, (int64_t[]){1, (int64_t)1 << 62, 1}, wide) == 0);
}

/* ---- descriptions ---- */

static const hp_field inner_fields[] = {{"x", 0, {HP_FLOAT, 32, 1}, NULL, 0, {0}}, {"y", 4, {HP_FLOAT, 32, 1}, NULL, 0, {0}}};
static const hp_record inner = {"inner", 8, 2, inner_fields};
static const hp_field outer_fields[] = {{"a", 0, {HP_INT, 16, 1}, NULL, 2, {2, 2, 0, 0}}, {"b", 8, {HP_RECORD, 8, 8}, &inner, 0, {0}}};
static const hp_record outer = {"outer", 16, 2, outer_fields};
static const char *const extents[] = {"n", "2 * n + 1"};
static const hp_port inputs[] = {{"points", HP_PORT_STRIDED, {HP_RECORD, 8, 16}, &outer, 2, extents},
                                 {"name", HP_PORT_TEXT, {HP_UINT, 8, 1}, NULL, 0, NULL}};
static const hp_port outputs[] = {{"found", HP_PORT_DYNAMIC, {HP_FLOAT, 64, 1}, NULL, -1, NULL}};
static const hp_symbol symbols[] = {{"N", -42}};
static const hp_cell cell = {sizeof(hp_cell), HP_ABI_VERSION, "cell", "void cell()", "key", "gcc 12", NULL, 2, 1, 1, 1,
                             inputs, outputs, symbols};

static void a_description_comes_back_as_a_copy(void) {
    hp_writer to = writer();
    hp_put_cell(&to, &cell);
    CHECK(!to.full);
    hp_reader from = written(&to);
    hp_cell *copy = hp_get_cell(&from);
    CHECK(copy != NULL && from.at == from.end && copy->entry == NULL);
    memset(buffer, 0xff, sizeof buffer);
    CHECK(strcmp(copy->name, "cell") == 0 && strcmp(copy->signature, "void cell()") == 0 && copy->takes_context == 1);
    CHECK(copy->nsymbols == 1 && strcmp(copy->symbols[0].name, "N") == 0 && copy->symbols[0].value == -42);
    CHECK(copy->nin == 2 && copy->nout == 1 && strcmp(copy->in[0].extents[1], "2 * n + 1") == 0 && copy->out[0].ndim == -1);
    const hp_record *record = copy->in[0].record;
    CHECK(record->size == 16 && record->fields[0].shape[1] == 2 && strcmp(record->fields[1].record->fields[1].name, "y") == 0);
    hp_cell_free(copy);
}

static void of_a_cell_of_another_interface_only_its_version_is_said(void) {
    static const hp_cell other = {.struct_size = 8, .abi_version = HP_ABI_VERSION + 1};
    hp_writer to = writer();
    hp_put_cell(&to, &other);
    hp_reader from = written(&to);
    hp_cell *copy = hp_get_cell(&from);
    CHECK(copy != NULL && copy->abi_version == HP_ABI_VERSION + 1 && copy->struct_size == 8 && copy->nin == 0);
    hp_cell_free(copy);
}

static void records_that_never_end_are_refused(void) {
    hp_writer to = writer();
    hp_put_cell(&to, &cell);
    const size_t ports = (size_t)(to.at - buffer);
    hp_record nested[40];
    hp_field field[40];
    for (int i = 0; i < 40; i++) {
        field[i] = (hp_field){"f", 0, {HP_RECORD, 8, 8}, i < 39 ? &nested[i + 1] : NULL, 0, {0}};
        nested[i] = (hp_record){"r", 8, 1, &field[i]};
    }
    hp_port port = {"p", HP_PORT_ARRAY, {HP_RECORD, 8, 8}, &nested[0], 0, NULL};
    hp_cell deep = cell;
    deep.in = &port;
    deep.nin = 1;
    to = writer();
    hp_put_cell(&to, &deep);
    CHECK(!to.full && (size_t)(to.at - buffer) > ports);
    hp_reader from = written(&to);
    CHECK(hp_get_cell(&from) == NULL && from.bad);
}

static void a_description_that_was_cut_short_is_refused(void) {
    hp_writer to = writer();
    hp_put_cell(&to, &cell);
    const size_t whole = (size_t)(to.at - buffer);
    for (size_t size = 0; size < whole; size++) {
        uint8_t *part = malloc(size + 1); /* of its own, so that a sanitizer sees what is read past its end */
        CHECK(part != NULL);
        memcpy(part, buffer, size);
        hp_reader from = {part, part + size, 0};
        CHECK(hp_get_cell(&from) == NULL && from.bad);
        free(part);
    }
}

/* What is understood all the same is whole: it can be written, and read again. */
static void try_spoilt(const uint8_t *bytes, size_t size) {
    static uint8_t again[8192];
    hp_reader from = {bytes, bytes + size, 0};
    hp_cell *copy = hp_get_cell(&from);
    if (copy == NULL) return;
    hp_writer to = {again, again + sizeof again, 0};
    hp_put_cell(&to, copy);
    hp_reader back = {again, to.at, 0};
    hp_cell *second = hp_get_cell(&back);
    CHECK(!to.full && second != NULL && back.at == back.end);
    hp_cell_free(second);
    hp_cell_free(copy);
}

static void a_description_with_a_spoilt_byte_is_refused_or_whole(void) {
    static const uint8_t wrong[] = {0, 1, 0x7f, 0x80, 0xff};
    hp_writer to = writer();
    hp_put_cell(&to, &cell);
    const size_t whole = (size_t)(to.at - buffer);
    uint8_t *spoilt = malloc(whole);
    CHECK(spoilt != NULL);
    for (size_t i = 0; i < whole; i++) {
        memcpy(spoilt, buffer, whole);
        for (size_t n = 0; n < sizeof wrong; n++) {
            spoilt[i] = wrong[n];
            try_spoilt(spoilt, whole);
        }
        spoilt[i] = (uint8_t)(buffer[i] ^ 0x55);
        try_spoilt(spoilt, whole);
    }
    free(spoilt);
}

int main(void) {
    numbers_and_bytes_come_back();
    text_has_no_zero_in_it();
    a_count_beyond_its_limit_is_bad_and_all_that_follows_is_zero();
    lengths_that_wrap_around_are_bad();
    nothing_is_written_past_the_end();
    tensors_come_back();
    a_span_reaches_from_the_lowest_to_the_highest_element();
    a_description_comes_back_as_a_copy();
    of_a_cell_of_another_interface_only_its_version_is_said();
    records_that_never_end_are_refused();
    a_description_that_was_cut_short_is_refused();
    a_description_with_a_spoilt_byte_is_refused_or_whole();
    return 0;
}
