/* libraries.c: the libraries that a worker has loaded, and the arenas that it has mapped. */
#include "worker/crash.h"
#include "worker/worker.h"

#include <stdlib.h>

static int32_t refuse(hp_writer *answer, const char *why) {
    hp_put_text(answer, why);
    return HP_SAY_REFUSED;
}

/* Room for one more item at the end of a table. */
static int grow(void **table, size_t count, size_t size) {
    if (count & (count - 1)) return 0; /* it grows at each power of two */
    void *grown = realloc(*table, (count ? 2 * count : 1) * size);
    if (grown == NULL) return -1;
    *table = grown;
    return 0;
}

/* ---- arenas ---- */

int32_t hp_worker_map(hp_worker *worker, hp_reader *reader, int32_t descriptor, hp_writer *answer) {
    hp_mapped mapped = {.number = (uint32_t)hp_get_count(reader, UINT32_MAX)};
    mapped.size = hp_get_count(reader, PTRDIFF_MAX);
    mapped.writable = (int32_t)hp_get_count(reader, 1);
    if (reader->bad || descriptor < 0) return refuse(answer, "this is no arena");
    if (grow((void **)(void *)&worker->mapped, worker->nmapped, sizeof mapped) != 0) return refuse(answer, "out of memory");
    mapped.base = hp_worker_map_memory(descriptor, mapped.size, mapped.writable);
    if (mapped.base == NULL) return refuse(answer, "the arena can't be mapped");
    worker->mapped[worker->nmapped++] = mapped;
    return HP_SAY_DONE;
}

void *hp_worker_address(const hp_worker *worker, hp_place place, size_t size, int32_t writable) {
    for (size_t i = 0; i < worker->nmapped; i++) {
        const hp_mapped *mapped = &worker->mapped[i];
        if (mapped->number != place.arena) continue;
        if (place.offset > mapped->size || size > mapped->size - place.offset) return NULL;
        return writable && !mapped->writable ? NULL : mapped->base + place.offset;
    }
    return NULL;
}

/* ---- libraries ---- */

hp_library *hp_worker_library(const hp_worker *worker, uint64_t number) {
    for (size_t i = worker->nopened; i-- > 0;)
        if (worker->opened[i].number == number) return worker->opened[i].library;
    return NULL;
}

/* A number beyond the crash record's slots is none: then a crash finds the library by its name. */
static int32_t slot_of(uint64_t number) { return (int32_t)(number < INT32_MAX ? number : INT32_MAX); }

int32_t hp_worker_open(hp_worker *worker, hp_reader *reader, hp_writer *answer) {
    char why[1024];
    int32_t ignored;
    const uint64_t number = hp_get_u64(reader);
    const char *path = hp_get_text(reader);
    if (reader->bad) return refuse(answer, "this is no request to open a library");
    if (grow((void **)(void *)&worker->opened, worker->nopened, sizeof *worker->opened) != 0)
        return refuse(answer, "out of memory");
    worker->page->stage = HP_STAGE_OPEN;
    hp_library *library = hp_library_open(path, &ignored, why, sizeof why);
    if (library == NULL) return refuse(answer, why);
    hp_worker_loaded();
    worker->page->stage = HP_STAGE_INIT;
    worker->opened[worker->nopened++] = (hp_opened){number, library};
    const hp_cell *cell = hp_library_cell(library);
    if (cell != NULL) {
        hp_crash_module_at((hp_crash *)(void *)worker->page->crash, slot_of(number), cell);
        hp_put_cell(answer, cell);
    }
    return answer->full ? refuse(answer, "what it says of its cell is too long") : HP_SAY_DONE;
}
