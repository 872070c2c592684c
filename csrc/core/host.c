/* host.c: what stands behind a cell's hp_ctx: scratch memory, progress, failure, results sized by the cell. */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define HP_THREAD_LOCAL __declspec(thread)
#else
#define HP_THREAD_LOCAL _Thread_local
#endif

enum { HP_MAX_RANK = 8 };

static HP_THREAD_LOCAL hp_host *current_host;

/* ---- the functions in the table of hp_ctx ---- */

static hp_host *host_of(hp_ctx *ctx) { return (hp_host *)(void *)ctx; }

static void *host_alloc(hp_ctx *ctx, size_t bytes) {
    hp_host *host = host_of(ctx);
    void *memory = hp_memory_new(bytes);
    if (memory == NULL)
        host->out_of_memory = 1;
    else
        hp_memory_chain(&host->scratch, memory);
    return memory;
}

static void host_report_progress(hp_ctx *ctx, int64_t done, int64_t total) {
    hp_host *host = host_of(ctx);
    /* Two plain stores: readers only draw a bar, and a torn pair lasts until the next report. */
    host->total = total;
    host->done = done;
}

static void host_fail(hp_ctx *ctx, const char *format, va_list arguments) {
    hp_host *host = host_of(ctx);
    if (ctx->failed) return;
    ctx->failed = 1;
    int length = vsnprintf(host->message, sizeof host->message, format, arguments);
    if (length < 0) snprintf(host->message, sizeof host->message, "(the message of hp_fail can't be formatted)");
}

/* The number of bytes of an array, or SIZE_MAX when an extent is negative or the product overflows. */
static size_t array_bytes(hp_dtype dtype, int32_t ndim, const int64_t *shape) {
    size_t bytes = (size_t)dtype.bits / 8 * dtype.lanes;
    for (int32_t i = 0; i < ndim; i++) {
        if (shape[i] < 0) return SIZE_MAX;
        if (shape[i] > 0 && bytes > (size_t)PTRDIFF_MAX / (size_t)shape[i]) return SIZE_MAX;
        bytes *= (size_t)shape[i];
    }
    return bytes;
}

static void release_tensor(hp_host *host, hp_value *value) {
    if (value->kind != HP_TENSOR) return;
    free(value->as.tensor.shape);
    host->free_result(host, value->as.tensor.data);
    value->kind = HP_NONE;
}

static void *host_out_array(hp_ctx *ctx, hp_value *value, hp_dtype dtype, int32_t ndim, const int64_t *shape) {
    hp_host *host = host_of(ctx);
    release_tensor(host, value);
    size_t bytes = ndim < 0 || ndim > HP_MAX_RANK || dtype.code == HP_NO_DTYPE ? SIZE_MAX : array_bytes(dtype, ndim, shape);
    if (bytes == SIZE_MAX) {
        host->bad_result = 1;
        return NULL;
    }
    void *data = host->new_result(host, bytes ? bytes : 1);
    int64_t *extents = malloc(2 * sizeof(int64_t) * (size_t)(ndim ? ndim : 1));
    if (data == NULL || extents == NULL) {
        host->free_result(host, data);
        free(extents);
        host->out_of_memory = 1;
        return NULL;
    }
    int64_t stride = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        extents[i] = shape[i];
        extents[ndim + i] = stride;
        stride *= shape[i];
    }
    value->kind = HP_TENSOR;
    value->as.tensor = (hp_tensor){data, {1, 0}, ndim, dtype, extents, extents + ndim, 0};
    return data;
}

static void *new_result(hp_host *host, size_t bytes) {
    (void)host;
    return hp_aligned_new(bytes);
}

static void free_result(hp_host *host, void *data) {
    (void)host;
    hp_aligned_free(data);
}

/* ---- the host ---- */

void hp_host_init(hp_host *host, const volatile int32_t *abort_word) {
    host->ctx = (hp_ctx){
        .struct_size = sizeof(hp_ctx),
        .abi_version = HP_ABI_VERSION,
        .abort_word = abort_word,
        .alloc = host_alloc,
        .progress = host_report_progress,
        .vfail = host_fail,
        .state = hp_host_state,
        .out_array = host_out_array,
        .state_before = hp_host_state_before,
    };
    host->new_result = new_result;
    host->free_result = free_result;
    host->state = NULL;
    host->replaced.data = NULL;
    host->scratch = NULL;
    host->busy = host->holds_state = 0;
    host->done = host->total = 0;
    host->message[0] = '\0';
}

void hp_host_begin(hp_host *host) {
    host->busy = 1;
    host->ctx.observed = 0;
    host->ctx.failed = 0;
    host->out_of_memory = 0;
    host->bad_result = 0;
    host->done = host->total = 0;
    host->message[0] = '\0';
}

/* What the cell said outranks what hotplate saw: a cell that fails because hp_alloc gave NULL says it best itself. */
int32_t hp_host_verdict(const hp_host *host, int32_t status) {
    if (host->ctx.failed) return HP_FAILED;
    if (host->ctx.observed) return HP_CANCELLED;
    if (host->out_of_memory) return HP_NO_MEMORY;
    if (host->bad_result) return HP_BAD_RESULT;
    return status;
}

void hp_host_end(hp_host *host, int32_t status) {
    hp_memory_free_chain(&host->scratch);
    hp_host_settle_state(host, status);
    host->busy = 0;
}

hp_host *hp_host_new(const volatile int32_t *abort_word) {
    hp_host *host = malloc(sizeof *host);
    if (host != NULL) hp_host_init(host, abort_word);
    return host;
}

void hp_host_free(hp_host *host) { free(host); }

void hp_host_set_state(hp_host *host, hp_state_block *state) { host->state = state; }

void hp_host_progress(const hp_host *host, int64_t *done, int64_t *total) {
    *done = host->done;
    *total = host->total;
}

int32_t hp_host_observed(const hp_host *host) { return host->ctx.observed; }

void hp_host_enter(hp_host *host) { current_host = host; }

hp_host *hp_host_current(void) { return current_host; }
