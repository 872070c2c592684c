/* call.c: one call of a cell: its entry runs without the interpreter lock. */
#include "python/frame.h"

#include "remote/remote.h"

#include <stdlib.h>
#include <string.h>

static void prepare_results(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    for (int32_t i = 0; i < plan->nout; i++)
        if (plan->out[i].kind == HP_PORT_DYNAMIC || plan->out[i].kind == HP_PORT_TEXT) frame->out[i].kind = HP_NONE;
}

static void *unlock(void) { return PyEval_SaveThread(); }
static void lock(void *thread) { PyEval_RestoreThread(thread); }

static void let_interrupt_pass(void) {
    if (!hp_interrupt_on_its_way()) return;
    void *thread = unlock();
    hp_interrupt_let_pass();
    lock(thread);
}

/* -1 with an exception set (KeyboardInterrupt, as a rule) if there was a Ctrl-C, also one that is still on its way. */
static int check_interrupt(void) {
    let_interrupt_pass();
    return PyErr_CheckSignals();
}

/* The call of a cell that workers have loaded, in the worker that this thread entered. */
static PyObject *run_remote(hp_frame *frame) {
    const hp_callable *callable = frame->callable;
    const hp_plan *plan = &callable->plan;
    char message[HP_MESSAGE_SIZE] = "";
    prepare_results(frame);
    hp_remote_call call = {.library = plan->library, .in = frame->in, .out = frame->out, .form = callable->form,
                           .nin = plan->nin, .nout = plan->nout, .state = plan->state, .message = message,
                           .unlock = unlock, .lock = lock};
    const int32_t status = hp_remote_run(&call);
    if (status == HP_OK) return hp_wrap_results(frame);
    if ((status != HP_CANCELLED && status != HP_REMOTE_GONE) || check_interrupt() == 0)
        hp_explain(frame, HP_CELL_STATUS, -1, "(is)", (int)status, message);
    return NULL;
}

/* `direct`: it is the main thread's own call, which hp_interrupt_enter began and this ends. */
static PyObject *run_entry(hp_frame *frame, hp_host *host, int direct) {
    const hp_plan *plan = &frame->callable->plan;
    hp_host_set_state(host, plan->state);
    hp_host_begin(host);
    prepare_results(frame);
    PyThreadState *thread = PyEval_SaveThread();
    const int32_t returned = plan->cell->entry(&host->ctx, frame->in, frame->out);
    if (direct) hp_interrupt_leave(); /* before anything waits for Python's handler: the cell does not run any more */
    PyEval_RestoreThread(thread);
    const int32_t status = hp_host_verdict(host, returned);
    PyObject *result = NULL;
    if (status == HP_OK)
        result = hp_wrap_results(frame);
    else if (status != HP_CANCELLED || check_interrupt() == 0) /* a pending Ctrl-C says it better */
        hp_explain(frame, HP_CELL_STATUS, -1, "(is)", (int)status, host->message);
    hp_host_end(host, result != NULL ? HP_OK : HP_FAILED);
    return result;
}

/* A thread's own host, if its backend gave it one and it isn't in use further up the stack; else one for this call. */
static PyObject *run(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    if (plan->library->number != 0) return run_remote(frame);
    hp_host *host = hp_host_current();
    if (host != NULL && !host->busy) return run_entry(frame, host, 0);
    static const volatile int32_t never = 0;
    let_interrupt_pass(); /* while the cell does not count as running yet */
    const volatile int32_t *word = hp_interrupt_enter(plan->cell);
    hp_host own;
    hp_host_init(&own, word != NULL ? word : &never);
    /* A Ctrl-C that came before this call set its word is only known to the interpreter. */
    if (word == NULL || check_interrupt() == 0) return run_entry(frame, &own, word != NULL);
    hp_interrupt_leave();
    return NULL;
}

static void release(hp_frame *frame) {
    const hp_plan *plan = &frame->callable->plan;
    for (int32_t i = 0; i < plan->nin + plan->nout; i++) Py_XDECREF(frame->kept[i]);
    for (int32_t i = 0; i < plan->nout; i++) {
        if (frame->out[i].kind == HP_TEXT && plan->library->number != 0) free((void *)(uintptr_t)frame->out[i].as.text);
        if (plan->out[i].kind != HP_PORT_DYNAMIC || frame->out[i].kind != HP_TENSOR) continue;
        free(frame->out[i].as.tensor.shape); /* a call that failed after filling it */
        hp_array_free(frame->out[i].as.tensor.data);
    }
}

static PyObject *call_frame(hp_frame *frame, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    const hp_plan *plan = &frame->callable->plan;
    for (int32_t i = 0; i < plan->nin + plan->nout; i++) frame->kept[i] = NULL;
    for (int32_t i = 0; i < plan->nin; i++) frame->argument[i] = NULL;
    for (int32_t i = 0; i < plan->nout; i++) frame->out[i].kind = HP_SCALAR;
    memcpy(frame->symbol_value, plan->symbol_value, (size_t)plan->nsymbols * sizeof(int64_t));
    memcpy(frame->symbol_source, plan->symbol_source, (size_t)plan->nsymbols * sizeof(int32_t));
    PyObject *result = NULL;
    if (hp_bind_arguments(frame, args, nargs, kwnames) == 0 && hp_allocate_results(frame) == 0)
        result = run(frame);
    release(frame);
    return result;
}

/* A call of a cell with many ports: one allocation holds the whole frame. */
static PyObject *call_large(const hp_callable *callable, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    const hp_plan *plan = &callable->plan;
    const size_t ports = (size_t)plan->nin + (size_t)plan->nout;
    const size_t axes = (size_t)plan->naxes_in + (size_t)plan->naxes_out;
    const size_t symbols = (size_t)plan->nsymbols;
    char *memory = malloc(ports * (sizeof(hp_value) + 2 * sizeof(PyObject *)) +
                          (2 * axes + symbols) * sizeof(int64_t) + symbols * sizeof(int32_t) + 1);
    if (memory == NULL) return PyErr_NoMemory();
    hp_frame frame = {.callable = callable};
    frame.in = (hp_value *)(void *)memory;
    frame.out = frame.in + plan->nin;
    frame.argument = (PyObject **)(void *)(frame.in + ports);
    frame.kept = frame.argument + ports;
    frame.shape = (int64_t *)(void *)(frame.kept + ports);
    frame.stride = frame.shape + axes;
    frame.symbol_value = frame.stride + axes;
    frame.symbol_source = (int32_t *)(void *)(frame.symbol_value + symbols);
    PyObject *result = call_frame(&frame, args, nargs, kwnames);
    free(memory);
    return result;
}

PyObject *hp_call(const hp_callable *callable, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    const hp_plan *plan = &callable->plan;
    if (plan->nin + plan->nout > HP_FEW || plan->naxes_in + plan->naxes_out > HP_FEW_AXES || plan->nsymbols > HP_FEW)
        return call_large(callable, args, nargs, kwnames);
    PyObject *argument[HP_FEW], *kept[HP_FEW];
    hp_value value[HP_FEW];
    int64_t shape[HP_FEW_AXES], stride[HP_FEW_AXES], symbol_value[HP_FEW];
    int32_t symbol_source[HP_FEW];
    hp_frame frame = {callable, argument, kept, value, value + plan->nin, shape, stride, symbol_value, symbol_source};
    return call_frame(&frame, args, nargs, kwnames);
}
