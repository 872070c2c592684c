/* call.h: what calling a LoadedCell does: Python arguments in, one call of a cell's entry, Python results out.
 *
 * cffi has no type for a Python object, so objects cross as their address, which is what id() gives in CPython.
 * Every function here must be called with the objects alive; they take the interpreter lock themselves.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PYTHON_CALL_H
#define HOTPLATE_PYTHON_CALL_H

#include "core/core.h"

/* cffi: begin */

/* What the callable needs to know of one port. */
typedef struct hp_port_plan {
    int32_t kind;       /* HP_PORT_... */
    int32_t code;       /* dtype code and size in bytes of the element */
    int32_t itemsize;
    int32_t alignment;
    int32_t ndim;
    int32_t symbol;     /* the dimension that an integer scalar fixes, or -1 */
    int32_t is_derived; /* arrays fix it, so it may be left out and has no position */
    int32_t first_axis; /* its axes in the plan's table */
    uintptr_t name;     /* address of its name, an interned str */
    uintptr_t dtype;    /* address of the numpy.dtype of an array or a record, else 0 */
} hp_port_plan;

/* Everything about a cell that calls need, read-only once it is made. */
typedef struct hp_plan {
    const hp_cell *cell;
    hp_library *library;
    hp_state_block *state; /* what hp_state gives the cell */
    int32_t nin;
    int32_t nout;
    int32_t nsymbols;
    int32_t naxes_in;
    int32_t naxes_out;
    const hp_port_plan *in;
    const hp_port_plan *out;
    const hp_step *steps;
    const hp_axis *axes_in;
    const hp_axis *axes_out;
    const int64_t *symbol_value;
    const int32_t *symbol_source; /* HP_SOURCE_CONSTANT or HP_SOURCE_NONE */
} hp_plan;

/* Takes what the core uses of NumPy from its capsule _ARRAY_API. Returns 0, or -1 when its binary interface is not that
 * of NumPy 2. */
int32_t hp_numpy_open(uintptr_t array_api);

/* Makes the type that LoadedCell derives from and stores it in the list at `box`, position 0. Its objects can be called,
 * by vectorcall too. One that has no cell calls its own method `_refuse` instead, which raises.
 * Returns 0, or -1 when there is no memory. */
int32_t hp_caller_type(uintptr_t box);

/* Gives a caller its cell. `empty`: what makes the arrays of results, called as numpy.empty is, or None for NumPy's own.
 * `hooks`: (convert, point, own, adopt, pack, explain, tables), see load/plan.py; the last keeps alive what the plan
 * points to.
 * The caller holds a lease on the library, and each of its calls another while it runs.
 * Returns 0, or -1 when there is no memory. */
int32_t hp_caller_open(uintptr_t caller, const hp_plan *plan, uintptr_t empty, uintptr_t hooks);

/* Takes the cell away again. Calls in progress go on. */
void hp_caller_close(uintptr_t caller);

/* cffi: end */

/* What `explain` is told about, the numbers of load/plan.py's Problem. */
enum {
    HP_WRONG_ARGUMENTS = 1, /* too many, unknown, twice: (positional count, keyword or None) */
    HP_MISSING_ARGUMENT = 2,
    HP_OUT_OF_RANGE = 4,
    HP_WRONG_DTYPE = 5,
    HP_WRONG_RANK = 6,
    HP_WRONG_LAYOUT = 7,
    HP_WRONG_ALIGNMENT = 8,
    HP_WRONG_EXTENT = 9,
    HP_EMBEDDED_NUL = 10,
    HP_CELL_STATUS = 11,
    HP_NOT_UTF8 = 12,
    HP_TOO_LARGE = 13
};

#endif
