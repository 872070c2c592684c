/* wire.c: numbers, bytes and tensors as bytes. */
#include "core/wire.h"

#include <string.h>

static size_t padded(size_t size) { return (size + 7) & ~(size_t)7; }

static uint8_t *reserve(hp_writer *writer, size_t size) {
    if (writer->full || size > (size_t)(writer->end - writer->at)) {
        writer->full = 1;
        return NULL;
    }
    uint8_t *at = writer->at;
    writer->at += size;
    return at;
}

static const uint8_t *take(hp_reader *reader, size_t size) {
    if (reader->bad || size > (size_t)(reader->end - reader->at)) {
        reader->bad = 1;
        return NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += size;
    return at;
}

void hp_put_u64(hp_writer *writer, uint64_t number) {
    uint8_t *at = reserve(writer, sizeof number);
    if (at != NULL) memcpy(at, &number, sizeof number);
}

uint64_t hp_get_u64(hp_reader *reader) {
    uint64_t number = 0;
    const uint8_t *at = take(reader, sizeof number);
    if (at != NULL) memcpy(&number, at, sizeof number);
    /* It may lie in memory that another process writes to: whoever checks it must not have it read a second time. */
    const volatile uint64_t once = number;
    return once;
}

uint64_t hp_get_count(hp_reader *reader, uint64_t limit) {
    const uint64_t count = hp_get_u64(reader);
    if (count <= limit) return count;
    reader->bad = 1;
    return 0;
}

void hp_put_bytes(hp_writer *writer, const void *bytes, size_t size) {
    hp_put_u64(writer, size);
    if (size > SIZE_MAX - 8) {
        writer->full = 1;
        return;
    }
    uint8_t *at = reserve(writer, padded(size + 1));
    if (at == NULL) return;
    if (size > 0) memcpy(at, bytes, size);
    memset(at + size, 0, padded(size + 1) - size);
}

void hp_put_text(hp_writer *writer, const char *text) { hp_put_bytes(writer, text, strlen(text)); }

const char *hp_get_bytes(hp_reader *reader, size_t *size) {
    *size = (size_t)hp_get_count(reader, PTRDIFF_MAX);
    const uint8_t *at = take(reader, padded(*size + 1));
    if (at != NULL && at[*size] == 0) return (const char *)at;
    reader->bad = 1;
    *size = 0;
    return "";
}

const char *hp_get_text(hp_reader *reader) {
    size_t size;
    const char *text = hp_get_bytes(reader, &size);
    if (memchr(text, 0, size) == NULL) return text;
    reader->bad = 1;
    return "";
}

/* ---- tensors ---- */

void hp_put_dtype(hp_writer *writer, hp_dtype dtype) {
    hp_put_u64(writer, (uint64_t)dtype.code | (uint64_t)dtype.bits << 8 | (uint64_t)dtype.lanes << 16);
}

hp_dtype hp_get_dtype(hp_reader *reader) {
    const uint64_t packed = hp_get_count(reader, UINT32_MAX);
    return (hp_dtype){(uint8_t)packed, (uint8_t)(packed >> 8), (uint16_t)(packed >> 16)};
}

void hp_put_tensor(hp_writer *writer, const hp_tensor *tensor, hp_place place) {
    hp_put_u64(writer, place.arena);
    hp_put_u64(writer, place.offset);
    hp_put_dtype(writer, tensor->dtype);
    hp_put_u64(writer, (uint64_t)tensor->ndim);
    for (int32_t i = 0; i < tensor->ndim; i++) hp_put_u64(writer, (uint64_t)tensor->shape[i]);
    for (int32_t i = 0; i < tensor->ndim; i++) hp_put_u64(writer, (uint64_t)tensor->strides[i]);
}

size_t hp_get_tensor(hp_reader *reader, hp_tensor *tensor, hp_place *place, int64_t *axes, size_t room) {
    place->arena = (uint32_t)hp_get_count(reader, UINT32_MAX);
    place->offset = hp_get_u64(reader);
    const hp_dtype dtype = hp_get_dtype(reader);
    const size_t ndim = (size_t)hp_get_count(reader, room / 2 < HP_WIRE_MAX_RANK ? room / 2 : HP_WIRE_MAX_RANK);
    *tensor = (hp_tensor){NULL, {1, 0}, (int32_t)ndim, dtype, axes, axes + ndim, 0};
    for (size_t i = 0; i < 2 * ndim; i++) axes[i] = (int64_t)hp_get_u64(reader);
    return 2 * ndim;
}

size_t hp_tensor_span(const hp_tensor *tensor) {
    const size_t item = (size_t)tensor->dtype.bits / 8 * tensor->dtype.lanes;
    size_t last = 0;
    int empty = 0;
    for (int32_t i = 0; i < tensor->ndim; i++) {
        const int64_t extent = tensor->shape[i], stride = tensor->strides[i];
        if (extent < 0 || stride < 0) return SIZE_MAX;
        if (extent == 0) empty = 1;
        if (extent < 2 || stride == 0) continue;
        if ((uint64_t)(extent - 1) > (uint64_t)PTRDIFF_MAX / (uint64_t)stride) return SIZE_MAX;
        const uint64_t reach = (uint64_t)(extent - 1) * (uint64_t)stride;
        if (reach > (uint64_t)PTRDIFF_MAX - last) return SIZE_MAX;
        last += (size_t)reach;
    }
    if (empty || item == 0) return 0;
    return last >= (size_t)PTRDIFF_MAX / item ? SIZE_MAX : (last + 1) * item;
}
