/* wire.h: how calls, answers and the description of a cell are written as bytes between controller and worker.
 *
 * Both run on one machine, so numbers are in its own byte order. Every item takes a multiple of 8 bytes. A reader
 * never looks past its end, and whatever it is fed, what it gives lies within what it was given.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WIRE_H
#define HOTPLATE_WIRE_H

#include "hotplate.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HP_WIRE_MAX_RANK = 64, HP_WIRE_MAX_REGIONS = 32 };

typedef struct hp_writer {
    uint8_t *at;
    uint8_t *end;
    int32_t full; /* something did not fit; nothing was written past the end */
} hp_writer;

typedef struct hp_reader {
    const uint8_t *at;
    const uint8_t *end;
    int32_t bad; /* something was missing or made no sense; whatever is read from then on is zero */
} hp_reader;

void hp_put_u64(hp_writer *writer, uint64_t number);
/* A length, then the bytes, then a zero byte. */
void hp_put_bytes(hp_writer *writer, const void *bytes, size_t size);
void hp_put_text(hp_writer *writer, const char *text);
uint64_t hp_get_u64(hp_reader *reader);
/* At most `limit`, else the reader is bad. */
uint64_t hp_get_count(hp_reader *reader, uint64_t limit);
/* Bytes as they were put, within the reader's; `*size` does not count the zero byte. "" when the reader is bad. */
const char *hp_get_bytes(hp_reader *reader, size_t *size);
/* The same for text: "" also when there is a zero byte in it. */
const char *hp_get_text(hp_reader *reader);

void hp_put_dtype(hp_writer *writer, hp_dtype dtype);
hp_dtype hp_get_dtype(hp_reader *reader);

/* ---- a place in shared memory ---- */

typedef struct hp_place {
    uint32_t arena;
    uint64_t offset;
} hp_place;

/* A part of the worker's own arena. */
typedef struct hp_region {
    uint64_t offset;
    uint64_t size;
} hp_region;

/* A tensor whose data lies at `place`; shape and strides are written, the data is not. */
void hp_put_tensor(hp_writer *writer, const hp_tensor *tensor, hp_place place);
/* Fills all but `data`. `axes` takes shape and strides, `room` numbers at most. Returns how many it took. */
size_t hp_get_tensor(hp_reader *reader, hp_tensor *tensor, hp_place *place, int64_t *axes, size_t room);
/* The bytes from the lowest to behind the highest element, from `data` on; SIZE_MAX when that makes no sense: a
 * negative extent or stride, or more than PTRDIFF_MAX. */
size_t hp_tensor_span(const hp_tensor *tensor);

/* ---- the description of a cell ---- */

/* Of a cell of another interface only its version and size are written, for the handshake. */
void hp_put_cell(hp_writer *writer, const hp_cell *cell);
/* A copy made of one block of memory, for hp_cell_free; its entry is NULL. NULL when there is no memory or the bytes
 * are no description. */
hp_cell *hp_get_cell(hp_reader *reader);
void hp_cell_free(hp_cell *cell);

#ifdef __cplusplus
}
#endif

#endif
