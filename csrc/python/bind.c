/* bind.c: Python arguments as the hp_values of one call. */
#include "python/frame.h"

#include <string.h>

/* ---- errors ---- */

/* Calls hp_explain(problem, port, ...), which raises. Always returns -1. */
int hp_explain(const hp_frame *frame, int problem, int port, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *detail = Py_VaBuildValue(format, arguments);
    va_end(arguments);
    if (detail == NULL) return -1;
    PyObject *result = PyObject_CallFunction(frame->callable->explain, "iiN", problem, port, detail);
    if (result != NULL) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_SystemError, "hp_explain() did not raise");
    }
    return -1;
}

int hp_explain_conflict(const hp_frame *frame, const hp_conflict *conflict) {
    return hp_explain(frame, HP_WRONG_EXTENT, conflict->port, "(iiiiLL)", (int)conflict->kind, (int)conflict->axis,
                   (int)conflict->symbol, (int)conflict->other, (long long)conflict->wanted, (long long)conflict->found);
}

/* ---- which object goes to which port ---- */

/* Names in a call are interned, so the same name is nearly always the same object. */
static int find_name(const hp_plan *plan, PyObject *wanted) {
    for (int32_t i = 0; i < plan->nin; i++)
        if (plan->in[i].name == (uintptr_t)wanted) return i;
    for (int32_t i = 0; i < plan->nin; i++)
        if (PyUnicode_Compare((PyObject *)plan->in[i].name, wanted) == 0) return i;
    return -1;
}

static int arrange(hp_frame *frame, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    const hp_plan *plan = &frame->callable->plan;
    Py_ssize_t taken = 0;
    for (int32_t i = 0; i < plan->nin && taken < nargs; i++)
        if (!plan->in[i].is_derived) frame->argument[i] = args[taken++];
    if (taken < nargs) return hp_explain(frame, HP_WRONG_ARGUMENTS, -1, "(nO)", nargs, Py_None);
    const Py_ssize_t nkeywords = kwnames == NULL ? 0 : PyTuple_Size(kwnames);
    for (Py_ssize_t k = 0; k < nkeywords; k++) {
        PyObject *name = PyTuple_GetItem(kwnames, k);
        if (!PyUnicode_Check(name)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return -1;
        }
        const int port = find_name(plan, name);
        if (port < 0 || frame->argument[port] != NULL) return hp_explain(frame, HP_WRONG_ARGUMENTS, port, "(nO)", nargs, name);
        frame->argument[port] = args[nargs + k];
    }
    for (int32_t i = 0; i < plan->nin; i++)
        if (frame->argument[i] == NULL && !plan->in[i].is_derived) return hp_explain(frame, HP_MISSING_ARGUMENT, i, "()");
    return 0;
}

/* Lets Python turn an argument of another type into one that the port takes. */
static int convert(hp_frame *frame, int port) {
    PyObject *converted = PyObject_CallFunction(frame->callable->convert, "iO", port, frame->argument[port]);
    if (converted == NULL) return -1;
    Py_XDECREF(frame->kept[port]);
    frame->kept[port] = frame->argument[port] = converted;
    return 0;
}

/* ---- scalars ---- */

static int out_of_range(const hp_frame *frame, int port) {
    return hp_explain(frame, HP_OUT_OF_RANGE, port, "(O)", frame->argument[port]);
}

/* After a failed conversion: OverflowError is a range problem, anything else stands. */
static int conversion_failed(const hp_frame *frame, int port) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return -1;
    PyErr_Clear();
    return out_of_range(frame, port);
}

static int store_int(hp_frame *frame, int port, int64_t *value) {
    const int size = frame->callable->plan.in[port].itemsize;
    const long long number = PyLong_AsLongLong(frame->argument[port]);
    if (number == -1 && PyErr_Occurred()) return conversion_failed(frame, port);
    const int unused = 64 - 8 * size;
    const int64_t narrowed = (int64_t)((uint64_t)number << unused) >> unused;
    if (narrowed != number) return out_of_range(frame, port);
    memcpy(frame->in[port].as.bytes, &number, (size_t)size); /* little-endian: the low bytes come first */
    *value = number;
    return 0;
}

static int store_uint(hp_frame *frame, int port, int64_t *value) {
    const int size = frame->callable->plan.in[port].itemsize;
    const unsigned long long number = PyLong_AsUnsignedLongLong(frame->argument[port]);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) return conversion_failed(frame, port);
    if (size < 8 && number >> (8 * size) != 0) return out_of_range(frame, port);
    memcpy(frame->in[port].as.bytes, &number, (size_t)size);
    *value = number > INT64_MAX ? INT64_MAX : (int64_t)number;
    return 0;
}

/* Writes one floating-point number of `size` bytes; a finite double that a float can't hold is out of range. */
static int put_float(uint8_t *to, int size, double number) {
    if (size == 8) {
        memcpy(to, &number, sizeof number);
        return 0;
    }
    const float narrowed = (float)number;
    memcpy(to, &narrowed, sizeof narrowed);
    return narrowed - narrowed != 0 && number - number == 0;
}

static int store_float(hp_frame *frame, int port) {
    const double number = PyFloat_AsDouble(frame->argument[port]);
    if (number == -1.0 && PyErr_Occurred()) return conversion_failed(frame, port);
    return put_float(frame->in[port].as.bytes, frame->callable->plan.in[port].itemsize, number) ? out_of_range(frame, port) : 0;
}

static int store_complex(hp_frame *frame, int port) {
    const int half = frame->callable->plan.in[port].itemsize / 2;
    const double real = PyComplex_RealAsDouble(frame->argument[port]);
    if (real == -1.0 && PyErr_Occurred()) return conversion_failed(frame, port);
    const double imaginary = PyComplex_ImagAsDouble(frame->argument[port]);
    uint8_t *bytes = frame->in[port].as.bytes;
    return put_float(bytes, half, real) || put_float(bytes + half, half, imaginary) ? out_of_range(frame, port) : 0;
}

/* Whether the object is one that the store functions take as it is. bool is an int in Python; it is none here. */
static int is_native_scalar(int code, PyObject *object) {
    switch (code) {
    case HP_BOOL:
        return PyBool_Check(object);
    case HP_INT:
    case HP_UINT:
        return PyLong_Check(object) && !PyBool_Check(object);
    case HP_FLOAT:
        return PyFloat_Check(object) || (PyLong_Check(object) && !PyBool_Check(object));
    default:
        return PyComplex_Check(object) || PyFloat_Check(object) || (PyLong_Check(object) && !PyBool_Check(object));
    }
}

/* `*value` is the number when it is an integer. */
static int bind_scalar(hp_frame *frame, int port, int64_t *value) {
    const int code = frame->callable->plan.in[port].code;
    if (!is_native_scalar(code, frame->argument[port]) && convert(frame, port) < 0) return -1;
    frame->in[port].kind = HP_SCALAR;
    memset(frame->in[port].as.bytes, 0, sizeof frame->in[port].as.bytes); /* workers are sent all of them */
    switch (code) {
    case HP_BOOL:
        frame->in[port].as.bytes[0] = frame->argument[port] == Py_True;
        return 0;
    case HP_INT:
        return store_int(frame, port, value);
    case HP_UINT:
        return store_uint(frame, port, value);
    case HP_FLOAT:
        return store_float(frame, port);
    default:
        return store_complex(frame, port);
    }
}

static int bind_text(hp_frame *frame, int port) {
    if (!PyUnicode_Check(frame->argument[port]) && convert(frame, port) < 0) return -1;
    Py_ssize_t size = 0;
    const char *text = PyUnicode_AsUTF8AndSize(frame->argument[port], &size);
    if (text == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
        PyErr_Clear();
        return hp_explain(frame, HP_NOT_UTF8, port, "(O)", frame->argument[port]);
    }
    if ((size_t)size != strlen(text)) return hp_explain(frame, HP_EMBEDDED_NUL, port, "()");
    frame->in[port].kind = HP_TEXT;
    frame->in[port].as.text = text;
    return 0;
}

/* ---- arrays ---- */

/* Copies shape and strides (in elements) behind the tensor, for other threads may change the array's own meanwhile. */
int hp_fill_tensor(hp_value *value, const hp_port_plan *port, const hp_ndarray *array, int64_t *shape, int64_t *stride) {
    const int is_packed = array->flags & HP_NDARRAY_C_CONTIGUOUS;
    int64_t packed = 1, strange = 0;
    for (int32_t i = port->ndim - 1; i >= 0; i--) {
        shape[i] = array->dimensions[i];
        /* An axis of length 0 or 1 is never stepped along, and NumPy may give it any stride. */
        if (!is_packed && shape[i] > 1) {
            strange |= array->strides[i] % port->itemsize;
            stride[i] = array->strides[i] / port->itemsize;
        } else {
            stride[i] = packed;
        }
        packed *= shape[i];
    }
    value->kind = HP_TENSOR;
    value->as.tensor = (hp_tensor){array->data, {1, 0}, port->ndim, {0, 0, 0}, shape, stride, 0};
    value->as.tensor.dtype.code = (uint8_t)port->code;
    value->as.tensor.dtype.bits = (uint8_t)(port->code == HP_RECORD ? 8 : 8 * port->itemsize);
    value->as.tensor.dtype.lanes = (uint16_t)(port->code == HP_RECORD ? port->itemsize : 1);
    return strange ? -1 : 0;
}

/* Lets Python turn an object that is no array of NumPy's own type into one. */
static int convert_array(hp_frame *frame, int port) {
    if (convert(frame, port) < 0) return -1;
    if (hp_is_ndarray(frame->argument[port])) return 0;
    PyErr_SetString(PyExc_SystemError, "convert() gave no array");
    return -1;
}

/* While the cell runs without the interpreter lock, this reference keeps `ndarray.resize` from moving the memory: it
 * refuses where there are several. A caller may have only lent its own. */
static void hold(hp_frame *frame, int port) {
    if (frame->kept[port] != NULL) return;
    Py_INCREF(frame->argument[port]);
    frame->kept[port] = frame->argument[port];
}

static int has_elements(const hp_tensor *tensor) {
    for (int32_t i = 0; i < tensor->ndim; i++)
        if (tensor->shape[i] == 0) return 0;
    return 1;
}

static int bind_array(hp_frame *frame, int port) {
    const hp_port_plan *plan = &frame->callable->plan.in[port];
    if (!hp_is_ndarray(frame->argument[port]) && convert_array(frame, port) < 0) return -1;
    hold(frame, port);
    PyObject *object = frame->argument[port], *dtype = (PyObject *)plan->dtype;
    const hp_ndarray *array = (hp_ndarray *)object;
    const int same = array->descr == dtype ? 1 : PyObject_RichCompareBool(array->descr, dtype, Py_EQ);
    if (same < 0) return -1;
    if (!same) return hp_explain(frame, HP_WRONG_DTYPE, port, "(O)", object);
    if (array->nd != plan->ndim) return hp_explain(frame, HP_WRONG_RANK, port, "(O)", object);
    hp_value *value = &frame->in[port];
    if (hp_fill_tensor(value, plan, array, frame->shape + plan->first_axis, frame->stride + plan->first_axis) < 0 ||
        (plan->kind == HP_PORT_ARRAY && !(array->flags & HP_NDARRAY_C_CONTIGUOUS)))
        return hp_explain(frame, HP_WRONG_LAYOUT, port, "(O)", object);
    if ((uintptr_t)array->data % (uintptr_t)plan->alignment != 0 && has_elements(&value->as.tensor))
        return hp_explain(frame, HP_WRONG_ALIGNMENT, port, "(O)", object);
    return 0;
}

/* ---- dimensions ---- */

/* The value of a dimension that was left out, in the port's own type. It is never negative. */
static int fill_derived(hp_frame *frame, int port) {
    const hp_port_plan *plan = &frame->callable->plan.in[port];
    if (plan->symbol < 0 || frame->symbol_source[plan->symbol] == HP_SOURCE_NONE)
        return hp_explain(frame, HP_MISSING_ARGUMENT, port, "()");
    const int64_t number = frame->symbol_value[plan->symbol];
    const int value_bits = 8 * plan->itemsize - (plan->code == HP_INT);
    if (value_bits < 63 && number >> value_bits != 0) return hp_explain(frame, HP_OUT_OF_RANGE, port, "(L)", (long long)number);
    frame->in[port].kind = HP_SCALAR;
    memcpy(frame->in[port].as.bytes, &number, (size_t)plan->itemsize); /* little-endian: the low bytes come first */
    return 0;
}

static int bind_dimensions(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    hp_conflict conflict = {0};
    hp_binding binding = {plan->steps, frame->symbol_value, frame->symbol_source, plan->nsymbols};
    if (hp_bind_axes(&binding, plan->axes_in, plan->naxes_in, frame->shape, &conflict))
        return hp_explain_conflict(frame, &conflict);
    for (int32_t i = 0; i < plan->nin; i++)
        if (frame->argument[i] == NULL && fill_derived(frame, i) < 0) return -1;
    for (int32_t i = 0; i < plan->naxes_out; i++)
        if (hp_extent(&binding, &plan->axes_out[i], frame->shape + plan->naxes_in + i, &conflict))
            return hp_explain_conflict(frame, &conflict);
    return 0;
}

/* Ports first: what a scalar says about a dimension comes before what arrays say, so errors name it as the source. */
static int bind_inputs(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    hp_binding binding = {plan->steps, frame->symbol_value, frame->symbol_source, plan->nsymbols};
    for (int32_t i = 0; i < plan->nin; i++) {
        if (frame->argument[i] == NULL) continue;
        int64_t number = 0;
        hp_conflict conflict = {0};
        const hp_port_plan *port = &plan->in[i];
        const int status = port->kind == HP_PORT_TEXT ? bind_text(frame, i)
                           : port->kind == HP_PORT_SCALAR && port->code != HP_RECORD ? bind_scalar(frame, i, &number)
                                                                                     : bind_array(frame, i);
        if (status < 0) return -1;
        if (port->symbol >= 0 && hp_bind_symbol(&binding, port->symbol, number, i, &conflict))
            return hp_explain_conflict(frame, &conflict);
    }
    return bind_dimensions(frame);
}

int hp_bind_arguments(hp_frame *frame, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    return arrange(frame, args, nargs, kwnames) < 0 ? -1 : bind_inputs(frame);
}
