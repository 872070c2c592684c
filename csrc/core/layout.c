/* layout.c: pins the binary interface. A line that fails here means a new HP_ABI_VERSION, not a new number. */
#include "core/core.h"

#define HP_PIN(type, member, offset) \
    _Static_assert(offsetof(type, member) == (offset), #type "." #member " moved: cells built before would break")

_Static_assert(sizeof(void *) == 8, "the offsets below are those of 64-bit platforms, the only ones supported");
_Static_assert(sizeof(hp_dtype) == 4 && sizeof(hp_device) == 8 && sizeof(hp_tensor) == 48, "DLPack's sizes");

HP_PIN(hp_tensor, data, 0);
HP_PIN(hp_tensor, device, 8);
HP_PIN(hp_tensor, ndim, 16);
HP_PIN(hp_tensor, dtype, 20);
HP_PIN(hp_tensor, shape, 24);
HP_PIN(hp_tensor, strides, 32);
HP_PIN(hp_tensor, byte_offset, 40);

HP_PIN(hp_value, kind, 0);
HP_PIN(hp_value, as, 8);
_Static_assert(sizeof(hp_value) == 56, "arrays of values cross the interface");

HP_PIN(hp_field, name, 0);
HP_PIN(hp_field, offset, 8);
HP_PIN(hp_field, dtype, 16);
HP_PIN(hp_field, record, 24);
HP_PIN(hp_field, ndim, 32);
HP_PIN(hp_field, shape, 40);
_Static_assert(sizeof(hp_field) == 72 && sizeof(hp_record) == 32, "arrays of fields cross the interface");

HP_PIN(hp_port, name, 0);
HP_PIN(hp_port, kind, 8);
HP_PIN(hp_port, dtype, 12);
HP_PIN(hp_port, record, 16);
HP_PIN(hp_port, ndim, 24);
HP_PIN(hp_port, extents, 32);
_Static_assert(sizeof(hp_port) == 40 && sizeof(hp_symbol) == 16, "arrays of ports cross the interface");

HP_PIN(hp_cell, struct_size, 0);
HP_PIN(hp_cell, abi_version, 4);
HP_PIN(hp_cell, name, 8);
HP_PIN(hp_cell, signature, 16);
HP_PIN(hp_cell, unit_key, 24);
HP_PIN(hp_cell, compiler, 32);
HP_PIN(hp_cell, entry, 40);
HP_PIN(hp_cell, nin, 48);
HP_PIN(hp_cell, nout, 52);
HP_PIN(hp_cell, nsymbols, 56);
HP_PIN(hp_cell, takes_context, 60);
HP_PIN(hp_cell, in, 64);
HP_PIN(hp_cell, out, 72);
HP_PIN(hp_cell, symbols, 80);

HP_PIN(hp_ctx, struct_size, 0);
HP_PIN(hp_ctx, abi_version, 4);
HP_PIN(hp_ctx, abort_word, 8);
HP_PIN(hp_ctx, observed, 16);
HP_PIN(hp_ctx, failed, 20);
HP_PIN(hp_ctx, alloc, 24);
HP_PIN(hp_ctx, progress, 32);
HP_PIN(hp_ctx, vfail, 40);
HP_PIN(hp_ctx, state, 48);
HP_PIN(hp_ctx, out_array, 56);
/* The first hosts of version 1 end here, at a struct_size of 64; for what follows, cells ask HP_OFFERS. */
HP_PIN(hp_ctx, state_before, 64);

HP_PIN(hp_before, data, 0);
HP_PIN(hp_before, bytes, 8);
HP_PIN(hp_before, version, 16);
_Static_assert(sizeof(hp_before) == 24, "the host writes it into the cell's memory");

HP_PIN(hp_out, ctx, 0);
HP_PIN(hp_out, value, 8);
