/* caller.c: the type that LoadedCell derives from. Its objects are called without any Python in between. */
#include "python/frame.h"

#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

/* Vectorcall joined the limited API in 3.12, and is the same in 3.11. */
typedef PyObject *hp_vectorcall(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames);
static const unsigned long HAS_VECTORCALL = 1UL << 11;
static const size_t NARGS = SIZE_MAX >> 1; /* the bit above says that args[-1] may be used */

typedef struct hp_caller {
    PyObject_HEAD
    hp_vectorcall *vectorcall;
    hp_callable *callable; /* NULL before hp_caller_open, and after hp_caller_close */
} hp_caller;

/* ---- callables ---- */

static PyObject *object_at(uintptr_t address) { return (PyObject *)address; }

static void release_callable(hp_callable *callable) {
    PyObject *held[] = {callable->empty, callable->convert, callable->point,   callable->own,
                        callable->adopt, callable->pack,    callable->explain, callable->tables};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) Py_XDECREF(held[i]);
    free(callable->form);
    free(callable);
}

/* Ends the hold of a caller or a call. The last one gives back the lease; what it frees leaves an error as it is. */
static void let_go(hp_callable *callable) {
    if (--callable->holders > 0) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    callable->plan.library->leases--;
    release_callable(callable);
    PyErr_Restore(type, value, traceback);
}

static PyObject *hook_at(uintptr_t hooks, Py_ssize_t index) {
    PyObject *hook = PyTuple_GetItem(object_at(hooks), index);
    Py_XINCREF(hook);
    return hook;
}

/* How each result comes about; a record that is returned lies in memory, as arrays do. */
static int32_t *forms_of(const hp_plan *plan) {
    int32_t *form = malloc(((size_t)plan->nout + 1) * sizeof *form);
    for (int32_t i = 0; form != NULL && i < plan->nout; i++) {
        const int is_record = plan->out[i].kind == HP_PORT_SCALAR && plan->out[i].code == HP_RECORD;
        form[i] = is_record ? HP_PORT_ARRAY : plan->out[i].kind;
    }
    return form;
}

static hp_callable *new_callable(const hp_plan *plan, uintptr_t empty, uintptr_t hooks) {
    hp_callable *callable = calloc(1, sizeof *callable);
    if (callable == NULL) return NULL;
    callable->plan = *plan;
    callable->holders = 1;
    callable->empty = object_at(empty);
    Py_INCREF(callable->empty);
    callable->convert = hook_at(hooks, 0);
    callable->point = hook_at(hooks, 1);
    callable->own = hook_at(hooks, 2);
    callable->adopt = hook_at(hooks, 3);
    callable->pack = hook_at(hooks, 4);
    callable->explain = hook_at(hooks, 5);
    callable->tables = hook_at(hooks, 6);
    callable->form = forms_of(plan);
    if (callable->form == NULL) {
        release_callable(callable);
        return NULL;
    }
    callable->plan.library->leases++;
    return callable;
}

/* ---- being called ---- */

static PyObject *call_vector(PyObject *self, PyObject *const *args, size_t nargs, PyObject *kwnames) {
    hp_callable *callable = ((hp_caller *)self)->callable;
    if (callable == NULL) return PyObject_CallMethod(self, "_refuse", NULL);
    callable->holders++; /* whoever closes the cell ends no call in progress */
    PyObject *result = hp_call(callable, args, (Py_ssize_t)(nargs & NARGS), kwnames);
    let_go(callable);
    return result;
}

/* The `size` names in a dict; its values go to `args`, with references of their own: the dict may be the caller's, which
 * another thread may change, or a finaliser that runs while the tuple is made. */
static PyObject *take_keywords(PyObject *kwargs, Py_ssize_t size, PyObject **args) {
    PyObject *names = PyTuple_New(size), *name, *value;
    Py_ssize_t at = 0, count = 0;
    while (names != NULL && count < size && PyDict_Next(kwargs, &at, &name, &value)) {
        Py_INCREF(name);
        PyTuple_SetItem(names, count, name);
        Py_INCREF(value);
        args[count++] = value;
    }
    if (names == NULL || count == size) return names;
    while (count > 0) Py_DECREF(args[--count]);
    Py_DECREF(names);
    PyErr_SetString(PyExc_RuntimeError, "the keywords changed while the call was made");
    return NULL;
}

static PyObject *call_array(PyObject *self, PyObject **all, PyObject *args, PyObject *kwargs) {
    const Py_ssize_t nargs = PyTuple_Size(args), nkeywords = kwargs == NULL ? 0 : PyDict_Size(kwargs);
    for (Py_ssize_t i = 0; i < nargs; i++) all[i] = PyTuple_GetItem(args, i);
    if (nkeywords == 0) return call_vector(self, all, (size_t)nargs, NULL);
    PyObject *names = take_keywords(kwargs, nkeywords, all + nargs);
    if (names == NULL) return NULL;
    PyObject *result = call_vector(self, all, (size_t)nargs, names);
    for (Py_ssize_t i = 0; i < nkeywords; i++) Py_DECREF(all[nargs + i]);
    Py_DECREF(names);
    return result;
}

/* A class made in Python inherits vectorcall from Python 3.12 on. Before, its objects are called by this. */
static PyObject *call_tuple(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *few[HP_FEW];
    const Py_ssize_t count = PyTuple_Size(args) + (kwargs == NULL ? 0 : PyDict_Size(kwargs));
    if (count <= HP_FEW) return call_array(self, few, args, kwargs);
    PyObject **all = PyMem_Malloc((size_t)count * sizeof *all);
    if (all == NULL) return PyErr_NoMemory();
    PyObject *result = call_array(self, all, args, kwargs);
    PyMem_Free(all);
    return result;
}

/* ---- the type ---- */

static PyObject *new_caller(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    (void)args, (void)kwargs; /* they are __init__'s */
    const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *self = allocate(type, 0);
    if (self != NULL) ((hp_caller *)self)->vectorcall = call_vector;
    return self;
}

static void set_callable(PyObject *self, hp_callable *callable) {
    hp_callable *before = ((hp_caller *)self)->callable;
    ((hp_caller *)self)->callable = callable;
    if (before != NULL) let_go(before);
}

static void free_caller(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    set_callable(self, NULL);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

int32_t hp_caller_type(uintptr_t box) {
    static PyMemberDef members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(hp_caller, vectorcall), READONLY, NULL},
        {NULL, 0, 0, 0, NULL},
    };
    PyType_Slot slots[] = {{Py_tp_new, (void *)(uintptr_t)new_caller},
                           {Py_tp_dealloc, (void *)(uintptr_t)free_caller},
                           {Py_tp_call, (void *)(uintptr_t)call_tuple},
                           {Py_tp_members, members},
                           {0, NULL}};
    PyType_Spec spec = {"hotplate.load.caller.Caller", sizeof(hp_caller), 0,
                        (unsigned int)(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | HAS_VECTORCALL), slots};
    const PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *type = PyType_FromSpec(&spec);
    if (type != NULL) PyList_SetItem(object_at(box), 0, type);
    PyErr_Clear(); /* cffi can't pass an exception on; -1 says it */
    PyGILState_Release(gil);
    return type != NULL ? 0 : -1;
}

int32_t hp_caller_open(uintptr_t caller, const hp_plan *plan, uintptr_t empty, uintptr_t hooks) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    hp_callable *callable = new_callable(plan, empty, hooks);
    if (callable != NULL) set_callable(object_at(caller), callable);
    PyErr_Clear();
    PyGILState_Release(gil);
    return callable != NULL ? 0 : -1;
}

void hp_caller_close(uintptr_t caller) {
    const PyGILState_STATE gil = PyGILState_Ensure();
    set_callable(object_at(caller), NULL);
    PyGILState_Release(gil);
}
