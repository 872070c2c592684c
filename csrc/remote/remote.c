/* remote.c: a worker's beginning and end, and what it has been told of. */
#include "remote/inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define HP_THREAD_LOCAL __declspec(thread)
#else
#define HP_THREAD_LOCAL _Thread_local
#endif

static HP_THREAD_LOCAL hp_remote *entered;

/* ---- beginning and end ---- */

static int32_t map_page(hp_shared *shared) {
    const int32_t code = hp_shared_map(shared, sizeof(hp_page));
    if (code != 0 || hp_shared_commit(shared->base, sizeof(hp_page)) == 0) return code;
    hp_shared_unmap(shared);
    return ENOMEM;
}

hp_remote *hp_remote_start(const char *const *argv, const char *const *environment, const char *folder, int32_t out,
                           int32_t err, hp_arena *arena, int32_t *code) {
    hp_remote *remote = calloc(1, sizeof *remote);
    *code = remote == NULL ? ENOMEM : map_page(&remote->shared);
    if (*code != 0) {
        free(remote);
        return NULL;
    }
    remote->page = (hp_page *)(void *)remote->shared.base;
    remote->arena = arena;
    const hp_start start = {argv, environment, folder, remote->shared.descriptor, out, err};
    remote->process = hp_process_start(&start, code);
    if (remote->process != NULL) return remote;
    hp_shared_unmap(&remote->shared);
    free(remote);
    return NULL;
}

void hp_remote_free(hp_remote *remote) {
    if (remote == NULL) return;
    hp_interrupt_unwatch(&remote->page->abort_word);
    hp_process_free(remote->process);
    hp_shared_unmap(&remote->shared);
    free(remote->known);
    free(remote);
}

int64_t hp_remote_process(const hp_remote *remote) { return hp_process_id(remote->process); }

int32_t hp_remote_descriptor(const hp_remote *remote) { return hp_process_descriptor(remote->process); }

void hp_remote_kill(hp_remote *remote) { hp_process_kill(remote->process); }

int32_t hp_remote_reap(hp_remote *remote, int64_t nanoseconds, int32_t *status, int64_t *usage) {
    hp_process_join(remote->process, nanoseconds);
    return hp_process_reap(remote->process, status, usage);
}

/* ---- what can be asked while it runs ---- */

void hp_remote_abort(hp_remote *remote, int32_t reason) {
    int32_t none = HP_REASON_NONE;
    __atomic_compare_exchange_n(&remote->reason, &none, reason, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    __atomic_store_n(&remote->page->abort_word, 1, __ATOMIC_SEQ_CST);
    hp_process_wake(remote->process);
}

int32_t *hp_remote_abort_word(hp_remote *remote) { return &remote->page->abort_word; }

void hp_remote_progress(const hp_remote *remote, int64_t *done, int64_t *total) {
    *done = remote->page->done;
    *total = remote->page->total;
}

int32_t hp_remote_observed(const hp_remote *remote) { return remote->page->observed; }
int32_t hp_remote_stage(const hp_remote *remote) { return remote->page->stage; }
const uint8_t *hp_remote_crash(const hp_remote *remote) { return remote->page->crash; }
hp_arena *hp_remote_arena(const hp_remote *remote) { return remote->arena; }

void hp_remote_enter(hp_remote *remote, int64_t timeout, int64_t grace, hp_waited *waited) {
    if (entered != NULL) entered->waited = NULL;
    entered = remote;
    if (remote == NULL) return;
    remote->timeout = timeout;
    remote->grace = grace;
    remote->waited = waited;
    *waited = (hp_waited){.asked = -1};
    __atomic_store_n(&remote->reason, HP_REASON_NONE, __ATOMIC_SEQ_CST);
    __atomic_store_n(&remote->page->abort_word, 0, __ATOMIC_SEQ_CST);
}

hp_remote *hp_remote_entered(void) { return entered; }

/* ---- arenas ---- */

static int knows(const hp_remote *remote, uint32_t number) {
    for (size_t i = 0; i < remote->nknown; i++)
        if (remote->known[i] == number) return 1;
    return 0;
}

static int32_t grow_known(hp_remote *remote) {
    if (remote->nknown < remote->known_room) return 0;
    const size_t room = remote->known_room ? 2 * remote->known_room : 8;
    uint32_t *grown = realloc(remote->known, room * sizeof *grown);
    if (grown == NULL) return -1;
    remote->known = grown;
    remote->known_room = room;
    return 0;
}

int32_t hp_remote_introduce(hp_remote *remote, hp_arena *arena) {
    const uint32_t number = hp_arena_number(arena);
    if (knows(remote, number)) return HP_OK;
    if (grow_known(remote) != 0) return HP_REMOTE_MEMORY;
    uint8_t payload[3 * sizeof(uint64_t)];
    size_t size;
    hp_writer writer = {payload, payload + sizeof payload, 0};
    const int32_t writable = arena == remote->arena;
    hp_put_u64(&writer, number);
    hp_put_u64(&writer, hp_arena_capacity(arena));
    hp_put_u64(&writer, (uint64_t)writable);
    hp_waited waited;
    const int32_t answer = hp_remote_ask(remote, HP_SAY_ARENA, payload, sizeof payload, hp_arena_descriptor(arena, writable),
                                         remote->timeout, NULL, &size, &waited);
    if (answer == HP_SAY_REFUSED) return HP_REMOTE_MEMORY; /* its own address space is limited */
    if (answer == HP_SAY_DONE) {
        remote->known[remote->nknown++] = number;
        return HP_OK;
    }
    *remote->waited = waited;
    return HP_REMOTE_GONE;
}

int32_t hp_remote_prepare(hp_remote *remote) { return hp_remote_introduce(remote, remote->arena) != HP_REMOTE_GONE; }

/* ---- libraries that workers have loaded ---- */

hp_library *hp_library_remote(const uint8_t *description, size_t size, uint64_t number) {
    hp_reader reader = {description, description + size, 0};
    hp_library *library = calloc(1, sizeof *library);
    hp_cell *cell = library == NULL ? NULL : hp_get_cell(&reader);
    if (cell == NULL) {
        free(library);
        return NULL;
    }
    library->described = cell;
    library->number = number;
    return library;
}

void hp_library_remote_free(hp_library *library) {
    if (library == NULL) return;
    hp_cell_free((hp_cell *)(uintptr_t)library->described);
    free(library);
}
