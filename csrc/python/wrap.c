/* wrap.c: the results of one call as Python objects. */
#include "python/frame.h"

#include <stdlib.h>
#include <string.h>

static PyObject *shape_tuple(int32_t ndim, const int64_t *shape) {
    PyObject *tuple = PyTuple_New(ndim);
    for (int32_t i = 0; tuple != NULL && i < ndim; i++) {
        PyObject *extent = PyLong_FromLongLong(shape[i]);
        if (extent == NULL) Py_CLEAR(tuple);
        else PyTuple_SetItem(tuple, i, extent);
    }
    return tuple;
}

static PyObject *new_array(const hp_frame *frame, const hp_port_plan *port, const int64_t *shape) {
    PyObject *empty = frame->callable->empty, *dtype = (PyObject *)port->dtype;
    if (empty == Py_None) return hp_ndarray_new(dtype, port->ndim, shape);
    PyObject *extents = shape_tuple(port->ndim, shape);
    PyObject *array = extents == NULL ? NULL : PyObject_CallFunctionObjArgs(empty, extents, dtype, NULL);
    Py_XDECREF(extents);
    return array;
}

static int allocate_result(hp_frame *frame, int output) {
    const hp_plan *plan = &frame->callable->plan;
    const hp_port_plan *port = &plan->out[output];
    const int first = plan->naxes_in + port->first_axis;
    PyObject *array = new_array(frame, port, frame->shape + first);
    if (array == NULL && (PyErr_ExceptionMatches(PyExc_MemoryError) || PyErr_ExceptionMatches(PyExc_ValueError))) {
        PyErr_Clear();
        PyObject *extents = shape_tuple(port->ndim, frame->shape + first);
        return extents == NULL ? -1 : hp_explain(frame, HP_TOO_LARGE, output, "(N)", extents);
    }
    if (array == NULL) return -1;
    frame->kept[plan->nin + output] = array;
    return hp_fill_tensor(&frame->out[output], port, (hp_ndarray *)array, frame->shape + first, frame->stride + first);
}

int hp_allocate_results(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    for (int32_t i = 0; i < plan->nout; i++) {
        const hp_port_plan *port = &plan->out[i];
        const int is_array = port->kind == HP_PORT_ARRAY || (port->kind == HP_PORT_SCALAR && port->code == HP_RECORD);
        if (is_array && allocate_result(frame, i) < 0) return -1;
    }
    return 0;
}

static PyObject *wrap_number(const hp_port_plan *port, const uint8_t *bytes) {
    double real = 0, imaginary = 0;
    float half[2] = {0, 0};
    uint64_t number = 0;
    switch (port->code) {
    case HP_BOOL:
        return PyBool_FromLong(bytes[0]);
    case HP_INT:
        memcpy(&number, bytes, (size_t)port->itemsize);
        return PyLong_FromLongLong((int64_t)(number << (64 - 8 * port->itemsize)) >> (64 - 8 * port->itemsize));
    case HP_UINT:
        memcpy(&number, bytes, (size_t)port->itemsize);
        return PyLong_FromUnsignedLongLong(number);
    default:
        break;
    }
    const int is_complex = port->code == HP_COMPLEX;
    if (port->itemsize == (is_complex ? 8 : 4)) {
        memcpy(half, bytes, (size_t)port->itemsize);
        real = half[0], imaginary = half[1];
    } else {
        memcpy(&real, bytes, sizeof real);
        if (is_complex) memcpy(&imaginary, bytes + sizeof real, sizeof imaginary);
    }
    return is_complex ? PyComplex_FromDoubles(real, imaginary) : PyFloat_FromDouble(real);
}

/* Results are shared between cells, so nobody may write to them. */
static PyObject *sealed(PyObject *array) {
    ((hp_ndarray *)array)->flags &= ~HP_NDARRAY_WRITEABLE;
    Py_INCREF(array);
    return array;
}

/* What frees an array with its last reference. No Python code runs until there is one: a Ctrl-C that came during the call
 * is raised where such code begins, and the array would be lost. */
static PyObject *owner_of(const hp_callable *callable, const void *data) {
    PyObject *pointer = PyObject_CallFunction(callable->point, "K", (unsigned long long)(uintptr_t)data);
    PyObject *owner = pointer == NULL ? NULL : PyObject_CallFunctionObjArgs(callable->own, pointer, NULL);
    Py_XDECREF(pointer);
    return owner;
}

static PyObject *adopt_array(hp_frame *frame, int output) {
    hp_tensor *tensor = &frame->out[output].as.tensor;
    PyObject *shape = shape_tuple(tensor->ndim, tensor->shape);
    PyObject *owner = shape == NULL ? NULL : owner_of(frame->callable, tensor->data);
    if (owner == NULL) {
        Py_XDECREF(shape);
        return NULL;
    }
    free(tensor->shape);
    frame->out[output].kind = HP_NONE; /* from here on the array is Python's */
    const int bits = tensor->dtype.bits * tensor->dtype.lanes;
    return PyObject_CallFunction(frame->callable->adopt, "NiiiN", owner, output, (int)tensor->dtype.code, bits, shape);
}

static PyObject *wrap_text(const hp_frame *frame, int output) {
    PyObject *text = PyUnicode_FromString(frame->out[output].as.text);
    if (text != NULL || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return text;
    PyErr_Clear();
    hp_explain(frame, HP_CELL_STATUS, output, "(is)", HP_BAD_RESULT, "the text is not UTF-8");
    return NULL;
}

static PyObject *wrap_result(hp_frame *frame, int output) {
    const hp_plan *plan = &frame->callable->plan;
    const hp_port_plan *port = &plan->out[output];
    hp_value *value = &frame->out[output];
    if (value->kind == HP_NONE) {
        hp_explain(frame, HP_CELL_STATUS, output, "(is)", HP_NO_RESULT, "");
        return NULL;
    }
    if (port->kind == HP_PORT_DYNAMIC) return adopt_array(frame, output);
    if (port->kind == HP_PORT_TEXT) return wrap_text(frame, output);
    if (port->kind == HP_PORT_SCALAR && port->code != HP_RECORD) return wrap_number(port, value->as.bytes);
    return sealed(frame->kept[plan->nin + output]);
}

PyObject *hp_wrap_results(hp_frame *frame) {
    const int32_t nout = frame->callable->plan.nout;
    if (nout == 0) Py_RETURN_NONE;
    if (nout == 1) return wrap_result(frame, 0);
    PyObject *values = PyTuple_New(nout);
    for (int32_t i = 0; values != NULL && i < nout; i++) {
        PyObject *value = wrap_result(frame, i);
        if (value == NULL) {
            Py_DECREF(values);
            return NULL;
        }
        PyTuple_SetItem(values, i, value);
    }
    if (values == NULL) return NULL;
    PyObject *packed = PyObject_CallFunctionObjArgs(frame->callable->pack, values, NULL);
    Py_DECREF(values);
    return packed;
}

