/* redzones.c: in a worker with AddressSanitizer, every array of a call gets memory of its own.
 *
 * In shared memory one array lies beside the other, so what is read or written beyond one is nothing that the sanitizer
 * could see. On the heap each has its bounds. Its report tells of addresses; the lines that stand before it say which
 * array they belong to.
 */
#include "worker/worker.h"

#if HP_REDZONES

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hp_guarded *guarded; /* of the call under way */

static hp_guard guard_of(hp_tensor *tensor) {
    const size_t size = hp_tensor_span(tensor);
    hp_guard guard = {tensor, tensor->data, NULL, size};
    guard.copy = size == SIZE_MAX ? NULL : hp_aligned_new(size ? size : 1);
    if (guard.copy == NULL) return guard; /* then it stays where it is */
    memcpy(guard.copy, guard.lies, size);
    tensor->data = guard.copy;
    return guard;
}

void hp_redzones_begin(hp_guarded *call) {
    for (int32_t i = 0; i < call->nin; i++)
        if (call->in[i].kind == HP_TENSOR) call->guard[i] = guard_of(&call->in[i].as.tensor);
    for (int32_t i = 0; i < call->nout; i++)
        if (call->out[i].kind == HP_TENSOR) call->guard[call->nin + i] = guard_of(&call->out[i].as.tensor);
    guarded = call;
}

static void say(const char *what, int32_t number, const void *begin, size_t size) {
    char line[128];
    const int length = snprintf(line, sizeof line, "hotplate: %s %d lies at %p, %zu bytes\n", what, number, begin, size);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) return; /* then it stays an address */
}

/* In shared memory an input can't be written to, on the heap it can. */
static void refuse_writing(int32_t input, const void *begin, size_t size) {
    say("input", input, begin, size);
    say("written", input, begin, size);
    abort();
}

void hp_redzones_end(hp_guarded *call) {
    guarded = NULL;
    for (int32_t i = 0; i < call->nin + call->nout; i++) {
        const hp_guard *guard = &call->guard[i];
        if (guard->copy == NULL) continue;
        if (i >= call->nin)
            memcpy(guard->lies, guard->copy, guard->size);
        else if (memcmp(guard->lies, guard->copy, guard->size) != 0)
            refuse_writing(i, guard->copy, guard->size);
        guard->tensor->data = guard->lies;
        hp_aligned_free(guard->copy);
    }
}

/* ---- before a report ---- */

/* AddressSanitizer calls it when it has found something. */
__attribute__((visibility("default"), used)) void __asan_on_error(void);

void __asan_on_error(void) {
    const hp_guarded *call = guarded;
    if (call == NULL) return;
    for (int32_t i = 0; i < call->nin + call->nout; i++) {
        const hp_guard *guard = &call->guard[i];
        if (guard->copy != NULL) say(i < call->nin ? "input" : "output", i < call->nin ? i : i - call->nin, guard->copy, guard->size);
    }
    if (call->state->data != NULL) say("state", 0, call->state->data, call->state->size);
}

#else
typedef int hp_no_redzones_here;
#endif
