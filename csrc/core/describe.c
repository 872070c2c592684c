/* describe.c: the description of a cell as bytes, and back as one block of memory. */
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 4096, MAX_FIELDS = 65536, MAX_DEPTH = 16 };

/* ---- writing ---- */

static void put_record(hp_writer *writer, const hp_record *record) {
    hp_put_u64(writer, record != NULL);
    if (record == NULL) return;
    hp_put_text(writer, record->name);
    hp_put_u64(writer, record->size);
    hp_put_u64(writer, (uint64_t)record->nfields);
    for (int32_t i = 0; i < record->nfields; i++) {
        const hp_field *field = &record->fields[i];
        hp_put_text(writer, field->name);
        hp_put_u64(writer, field->offset);
        hp_put_dtype(writer, field->dtype);
        hp_put_u64(writer, (uint64_t)field->ndim);
        for (int axis = 0; axis < 4; axis++) hp_put_u64(writer, (uint64_t)field->shape[axis]);
        put_record(writer, field->record);
    }
}

static void put_ports(hp_writer *writer, const hp_port *ports, int32_t count) {
    hp_put_u64(writer, (uint64_t)count);
    for (int32_t i = 0; i < count; i++) {
        hp_put_text(writer, ports[i].name);
        hp_put_u64(writer, (uint64_t)ports[i].kind);
        hp_put_dtype(writer, ports[i].dtype);
        put_record(writer, ports[i].record);
        hp_put_u64(writer, (uint64_t)(ports[i].ndim + 1));
        for (int32_t axis = 0; axis < ports[i].ndim; axis++) hp_put_text(writer, ports[i].extents[axis]);
    }
}

/* Whether the fields of a descriptor are where this interface has them. Its version and size always are. */
static int is_readable(const hp_cell *cell) {
    return cell->abi_version == HP_ABI_VERSION && cell->struct_size >= sizeof(hp_cell);
}

void hp_put_cell(hp_writer *writer, const hp_cell *cell) {
    hp_put_u64(writer, cell->struct_size);
    hp_put_u64(writer, cell->abi_version);
    if (!is_readable(cell)) return;
    hp_put_text(writer, cell->name);
    hp_put_text(writer, cell->signature);
    hp_put_text(writer, cell->unit_key);
    hp_put_text(writer, cell->compiler);
    hp_put_u64(writer, (uint64_t)(cell->takes_context != 0));
    hp_put_u64(writer, (uint64_t)cell->nsymbols);
    for (int32_t i = 0; i < cell->nsymbols; i++) {
        hp_put_text(writer, cell->symbols[i].name);
        hp_put_u64(writer, (uint64_t)cell->symbols[i].value);
    }
    put_ports(writer, cell->in, cell->nin);
    put_ports(writer, cell->out, cell->nout);
}

/* ---- reading: first to learn how much memory that takes, then into it ---- */

typedef struct hp_builder {
    hp_reader reader;
    uint8_t *memory; /* NULL: only counting */
    size_t used;
} hp_builder;

static void *place(hp_builder *builder, size_t size) {
    const size_t at = builder->used;
    builder->used += (size + 15) & ~(size_t)15;
    return builder->memory == NULL ? NULL : builder->memory + at;
}

static const char *get_text(hp_builder *builder) {
    const char *text = hp_get_text(&builder->reader);
    const size_t size = strlen(text) + 1;
    char *copy = place(builder, size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

/* A count of items that take at least 8 bytes each, so that a lie can't ask for more memory than was sent. */
static int32_t get_count(hp_builder *builder, uint64_t limit) {
    const uint64_t room = (uint64_t)(builder->reader.end - builder->reader.at) / 8;
    return (int32_t)hp_get_count(&builder->reader, room < limit ? room : limit);
}

static const hp_record *get_record(hp_builder *builder, int depth) {
    if (hp_get_count(&builder->reader, 1) == 0) return NULL;
    if (depth >= MAX_DEPTH) {
        builder->reader.bad = 1;
        return NULL;
    }
    hp_record *record = place(builder, sizeof *record);
    const char *name = get_text(builder);
    const size_t size = (size_t)hp_get_count(&builder->reader, UINT32_MAX);
    const int32_t nfields = get_count(builder, MAX_FIELDS);
    hp_field *fields = place(builder, (size_t)nfields * sizeof *fields);
    for (int32_t i = 0; i < nfields && !builder->reader.bad; i++) {
        hp_field field = {.name = get_text(builder)};
        field.offset = (size_t)hp_get_count(&builder->reader, size);
        field.dtype = hp_get_dtype(&builder->reader);
        field.ndim = (int32_t)hp_get_count(&builder->reader, 4);
        for (int axis = 0; axis < 4; axis++) field.shape[axis] = (int64_t)hp_get_count(&builder->reader, INT32_MAX);
        field.record = get_record(builder, depth + 1);
        if (fields != NULL) fields[i] = field;
    }
    if (record != NULL) *record = (hp_record){name, size, nfields, fields};
    return record;
}

static hp_port get_port(hp_builder *builder) {
    hp_port port = {.name = get_text(builder)};
    port.kind = (int32_t)hp_get_count(&builder->reader, HP_PORT_DYNAMIC);
    port.dtype = hp_get_dtype(&builder->reader);
    port.record = get_record(builder, 0);
    port.ndim = (int32_t)hp_get_count(&builder->reader, HP_WIRE_MAX_RANK + 1) - 1;
    const char **extents = place(builder, (size_t)(port.ndim > 0 ? port.ndim : 0) * sizeof *extents);
    for (int32_t axis = 0; axis < port.ndim; axis++) {
        const char *extent = get_text(builder);
        if (extents != NULL) extents[axis] = extent;
    }
    port.extents = extents;
    return port;
}

static const hp_port *get_ports(hp_builder *builder, int32_t *count) {
    *count = get_count(builder, MAX_PORTS);
    hp_port *ports = place(builder, (size_t)*count * sizeof *ports);
    for (int32_t i = 0; i < *count && !builder->reader.bad; i++) {
        const hp_port port = get_port(builder);
        if (ports != NULL) ports[i] = port;
    }
    return ports;
}

static const hp_symbol *get_symbols(hp_builder *builder, int32_t *count) {
    *count = get_count(builder, MAX_PORTS);
    hp_symbol *symbols = place(builder, (size_t)*count * sizeof *symbols);
    for (int32_t i = 0; i < *count && !builder->reader.bad; i++) {
        const char *name = get_text(builder);
        const int64_t value = (int64_t)hp_get_u64(&builder->reader);
        if (symbols != NULL) symbols[i] = (hp_symbol){name, value};
    }
    return symbols;
}

static void get_cell(hp_builder *builder) {
    hp_cell *cell = place(builder, sizeof *cell);
    hp_cell found = {.struct_size = (uint32_t)hp_get_count(&builder->reader, UINT32_MAX)};
    found.abi_version = (uint32_t)hp_get_count(&builder->reader, UINT32_MAX);
    if (cell != NULL) *cell = found;
    if (!is_readable(&found)) return;
    found.name = get_text(builder);
    found.signature = get_text(builder);
    found.unit_key = get_text(builder);
    found.compiler = get_text(builder);
    found.takes_context = (int32_t)hp_get_count(&builder->reader, 1);
    found.symbols = get_symbols(builder, &found.nsymbols);
    found.in = get_ports(builder, &found.nin);
    found.out = get_ports(builder, &found.nout);
    if (cell != NULL) *cell = found;
}

hp_cell *hp_get_cell(hp_reader *reader) {
    hp_builder counting = {*reader, NULL, 0};
    get_cell(&counting);
    if (counting.reader.bad) {
        reader->bad = 1;
        return NULL;
    }
    hp_builder building = {*reader, malloc(counting.used), 0};
    if (building.memory == NULL) return NULL;
    get_cell(&building);
    *reader = building.reader;
    return (hp_cell *)(void *)building.memory;
}

void hp_cell_free(hp_cell *cell) { free(cell); }
