/* numpy.c: finds NumPy's type of arrays and the function that makes them. */
#include "python/numpy.h"

#include "python/call.h"

#include <stddef.h>

/* The places of what is used here in NumPy's table of functions. They never change: the table only grows. */
enum { NDARRAY_VERSION = 0, NDARRAY_TYPE = 2, NEW_FROM_DESCR = 94 };
enum { KNOWN_VERSION = 2 };

typedef unsigned int ndarray_version(void);
typedef PyObject *new_from_descr(PyTypeObject *type, PyObject *dtype, int ndim, const Py_ssize_t *shape,
                                 const Py_ssize_t *strides, void *data, int flags, PyObject *model);

_Static_assert(sizeof(Py_ssize_t) == sizeof(int64_t), "NumPy's extents are copied as they are");
_Static_assert(offsetof(hp_ndarray, data) == sizeof(PyObject) && offsetof(hp_ndarray, flags) == sizeof(PyObject) + 48,
               "the layout of NumPy 2");

PyTypeObject *hp_ndarray_type;
static new_from_descr *make_array;

/* A function at a place of the table, which holds data and functions alike. */
static void (*function_at(void *const *table, int place))(void) {
    union {
        void *data;
        void (*function)(void);
    } entry = {table[place]};
    return entry.function;
}

int32_t hp_numpy_open(uintptr_t array_api) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    void *const *table = PyCapsule_GetPointer((PyObject *)array_api, NULL);
    const unsigned int version = table == NULL ? 0 : ((ndarray_version *)function_at(table, NDARRAY_VERSION))() >> 24;
    if (version == KNOWN_VERSION) {
        hp_ndarray_type = table[NDARRAY_TYPE];
        make_array = (new_from_descr *)function_at(table, NEW_FROM_DESCR);
    }
    PyErr_Clear();
    PyGILState_Release(gil);
    return version == KNOWN_VERSION ? 0 : -1;
}

PyObject *hp_ndarray_new(PyObject *dtype, int ndim, const int64_t *shape) {
    Py_INCREF(dtype); /* it is taken over */
    return make_array(hp_ndarray_type, dtype, ndim, (const Py_ssize_t *)(const void *)shape, NULL, NULL, 0, NULL);
}
