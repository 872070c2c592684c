/* numpy.h: NumPy's arrays by the place of their fields, which its binary interface fixes for all of NumPy 2.
 *
 * Reading them costs a tenth of what the attribute `dtype` and the buffer protocol do. Only for objects whose type is
 * exactly numpy.ndarray, and with the interpreter lock held.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PYTHON_NUMPY_H
#define HOTPLATE_PYTHON_NUMPY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* The beginning of NumPy's PyArrayObject_fields. */
typedef struct hp_ndarray {
    PyObject_HEAD
    char *data;
    int nd;
    const Py_ssize_t *dimensions;
    const Py_ssize_t *strides; /* in bytes */
    PyObject *base;
    PyObject *descr;
    int flags; /* HP_NDARRAY_... and others */
} hp_ndarray;

/* NPY_ARRAY_C_CONTIGUOUS and NPY_ARRAY_WRITEABLE. Strides of axes of length 0 or 1 don't count for the first. */
enum { HP_NDARRAY_C_CONTIGUOUS = 0x0001, HP_NDARRAY_WRITEABLE = 0x0400 };

/* numpy.ndarray; NULL before hp_numpy_open. */
extern PyTypeObject *hp_ndarray_type;

static inline int hp_is_ndarray(PyObject *object) { return Py_TYPE(object) == hp_ndarray_type; }

/* A new array in C order, not filled, as numpy.empty. NULL with NumPy's exception set. */
PyObject *hp_ndarray_new(PyObject *dtype, int ndim, const int64_t *shape);

#endif
