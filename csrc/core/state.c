/* state.c: the memory of a cell that survives calls and reloads: one call at a time, and undone with a failed call. */
#include "core/atomic.h"
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

/* Takes the block for `use` if it is free. Returns what it was in use for. */
static int32_t take(int32_t *in_use, int32_t use) {
    int32_t was = HP_STATE_FREE;
    __atomic_compare_exchange_n(in_use, &was, use, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    return was;
}
static void give_back(int32_t *in_use) { __atomic_store_n(in_use, HP_STATE_FREE, __ATOMIC_RELEASE); }

/* ---- in a call ---- */

int32_t hp_state_take(hp_state_block *state) {
    int32_t was = HP_STATE_COPYING;
    while (was == HP_STATE_COPYING) was = take(&state->in_use, HP_STATE_CALLED);
    return was == HP_STATE_FREE;
}

void hp_state_give_back(hp_state_block *state) { give_back(&state->in_use); }

/* The block is this call's from its first hp_state until the call ends. */
static int holds_state(hp_host *host) {
    if (host->holds_state) return 1;
    if (hp_state_take(host->state)) return host->holds_state = 1;
    hp_fail(&host->ctx, "another call of this cell is using its hp_state; call it from one thread at a time");
    return 0;
}

/* All but in_use, which others change at the same time. */
static void set(hp_state_block *block, void *data, size_t size, uint32_t version) {
    block->data = data;
    block->size = size;
    block->version = version;
}

/* Puts `fresh` in the block's place. What was there stays readable until the call ends, and the first such block may
 * come back then. */
static void replace(hp_host *host, void *fresh, size_t bytes, uint32_t version) {
    hp_state_block *state = host->state;
    if (host->replaced.data == NULL)
        set(&host->replaced, state->data, state->size, state->version);
    else
        hp_memory_chain(&host->scratch, state->data);
    set(state, fresh, bytes, version);
}

void *hp_host_state_before(hp_ctx *ctx, size_t bytes, uint32_t version, hp_before *before) {
    hp_host *host = (hp_host *)(void *)ctx;
    hp_state_block *state = host->state;
    *before = (hp_before){NULL, 0, 0};
    if (state == NULL || !holds_state(host)) return NULL;
    if (state->data != NULL && state->size == bytes && state->version == version) return state->data;
    void *fresh = hp_memory_new(bytes);
    if (fresh == NULL) {
        host->out_of_memory = 1;
        return NULL;
    }
    memset(fresh, 0, bytes);
    *before = (hp_before){state->data, state->size, state->version};
    replace(host, fresh, bytes, version);
    return fresh;
}

void *hp_host_state(hp_ctx *ctx, size_t bytes, uint32_t version) {
    hp_before before;
    return hp_host_state_before(ctx, bytes, version, &before);
}

/* A block that the call made where there was none stays whatever happens: nothing was lost for it. */
void hp_host_settle_state(hp_host *host, int32_t status) {
    if (!host->holds_state) return;
    hp_state_block *state = host->state, *former = &host->replaced;
    if (former->data != NULL && status != HP_OK) {
        void *dropped = state->data;
        set(state, former->data, former->size, former->version);
        former->data = dropped;
    }
    hp_memory_free(former->data);
    former->data = NULL;
    host->holds_state = 0;
    give_back(&state->in_use);
}

/* ---- between calls ---- */

hp_state_block *hp_state_new(void) { return calloc(1, sizeof(hp_state_block)); }

void hp_state_free(hp_state_block *state) {
    if (state == NULL) return;
    hp_memory_free(state->data);
    free(state);
}

/* With both blocks held. A block of the same size keeps its memory, so that it can always be restored. */
static int32_t copy_held(hp_state_block *to, const hp_state_block *from) {
    void *data = to->data;
    if (from->data == NULL || data == NULL || to->size != from->size) {
        data = from->data == NULL ? NULL : hp_memory_new(from->size);
        if (from->data != NULL && data == NULL) return HP_STATE_NO_MEMORY;
        hp_memory_free(to->data);
    }
    if (data != NULL) memcpy(data, from->data, from->size);
    set(to, data, from->size, from->version);
    return HP_STATE_COPIED;
}

int32_t hp_state_copy(hp_state_block *to, hp_state_block *from) {
    if (take(&from->in_use, HP_STATE_COPYING) != HP_STATE_FREE) return HP_STATE_IN_USE;
    int32_t outcome = HP_STATE_IN_USE;
    if (take(&to->in_use, HP_STATE_COPYING) == HP_STATE_FREE) {
        outcome = copy_held(to, from);
        give_back(&to->in_use);
    }
    give_back(&from->in_use);
    return outcome;
}
