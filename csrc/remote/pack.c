/* pack.c: arrays with any strides, made into rows of bytes. */
#include "remote/pack.h"

#include "core/wire.h"

#include <string.h>

static size_t item_size(const hp_tensor *tensor) { return (size_t)tensor->dtype.bits / 8 * tensor->dtype.lanes; }

size_t hp_packed_size(const hp_tensor *tensor) {
    size_t size = item_size(tensor);
    for (int32_t i = 0; i < tensor->ndim; i++) size *= (size_t)tensor->shape[i];
    return size;
}

int32_t hp_is_packed(const hp_tensor *tensor) {
    uint64_t packed = 1; /* unsigned: next to an extent of 0, the others may be of any size */
    for (int32_t i = tensor->ndim - 1; i >= 0; i--) {
        if (tensor->shape[i] > 1 && (uint64_t)tensor->strides[i] != packed) return 0;
        packed *= (uint64_t)tensor->shape[i];
    }
    return 1;
}

static void copy_elements(uint8_t *to, const hp_tensor *tensor, size_t size) {
    int64_t index[HP_WIRE_MAX_RANK] = {0};
    const size_t item = item_size(tensor);
    for (const uint8_t *end = to + size; to < end; to += item) {
        int64_t element = 0;
        for (int32_t i = 0; i < tensor->ndim; i++) element += index[i] * tensor->strides[i];
        memcpy(to, (const uint8_t *)tensor->data + element * (int64_t)item, item);
        for (int32_t i = tensor->ndim - 1; i >= 0 && ++index[i] == tensor->shape[i]; i--) index[i] = 0;
    }
}

void hp_pack(void *to, const hp_tensor *tensor) {
    const size_t size = hp_packed_size(tensor);
    if (size == 0) return;
    if (hp_is_packed(tensor))
        memcpy(to, tensor->data, size);
    else
        copy_elements(to, tensor, size);
}
