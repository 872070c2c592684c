/* frame.h: one call in progress, shared by the files of this folder.
 *
 * bind.c fills the inputs, wrap.c makes the results, call.c puts them around the call, caller.c is what Python calls. The common case is decided in C;
 * whatever needs explaining or converting goes to Python functions:
 *   convert(port, object)            an ndarray, number or str for an argument that is none, or raises
 *   point(address)                   a pointer, and
 *   own(pointer)                     one that frees an array that the cell allocated; both run no Python code
 *   adopt(owner, output, code, bits, shape)  that array
 *   pack(values)                     the named tuple of several results
 *   explain(problem, port, detail)   raises the error
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PYTHON_FRAME_H
#define HOTPLATE_PYTHON_FRAME_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/call.h"
#include "python/numpy.h"

/* Calls with up to this many ports and axes need no heap. */
enum { HP_FEW = 16, HP_FEW_AXES = 32 };

/* What a caller calls. */
typedef struct hp_callable {
    hp_plan plan;
    int64_t holders; /* its caller and the calls in progress; changed with the interpreter lock held */
    PyObject *empty; /* None: NumPy's own */
    PyObject *convert;
    PyObject *point;
    PyObject *own;
    PyObject *adopt;
    PyObject *pack;
    PyObject *explain;
    PyObject *tables; /* keeps what the plan points to */
    int32_t *form;    /* of each result, for a worker */
} hp_callable;

/* One call in progress. */
typedef struct hp_frame {
    const hp_callable *callable;
    PyObject **argument; /* borrowed or owned by `kept`; one a port */
    PyObject **kept;     /* owned: arrays that the cell reads, converted arguments, then result arrays */
    hp_value *in;
    hp_value *out;
    int64_t *shape; /* of the ins' axes, then the outs' */
    int64_t *stride;
    int64_t *symbol_value;
    int32_t *symbol_source;
} hp_frame;

/* Calls the cell once. NULL with an exception set. */
PyObject *hp_call(const hp_callable *callable, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);

/* Calls explain(problem, port, detail), which raises; `format` builds the tuple `detail`. Always returns -1. */
int hp_explain(const hp_frame *frame, int problem, int port, const char *format, ...);
int hp_explain_conflict(const hp_frame *frame, const hp_conflict *conflict);

/* Gives each port its argument, converts and checks it, binds the dimensions. -1 with an exception set. */
int hp_bind_arguments(hp_frame *frame, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
/* Describes the memory of an array as a tensor. -1 when a stride is no multiple of the item. */
int hp_fill_tensor(hp_value *value, const hp_port_plan *port, const hp_ndarray *array, int64_t *shape, int64_t *stride);

/* Allocates the results whose shape is known before the call. -1 with an exception set. */
int hp_allocate_results(hp_frame *frame);
/* The value of the call: None, one result, or a named tuple. NULL with an exception set. */
PyObject *hp_wrap_results(hp_frame *frame);

#endif
