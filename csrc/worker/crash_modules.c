/* crash_modules.c: which libraries the addresses of a crash belong to. */
#define _GNU_SOURCE
#include "worker/crash.h"

#include <errno.h>

void hp_crash_module(hp_crash *record, int32_t slot, uint64_t base, uint64_t size) {
    if (slot >= 0 && slot < HP_CRASH_MODULES) record->modules[slot] = (hp_module){base, size};
}

#if defined(__linux__)

#include <link.h>
#include <string.h>

static hp_module place_of(const struct dl_phdr_info *library) {
    uint64_t low = UINT64_MAX, high = 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        if (segment->p_vaddr < low) low = segment->p_vaddr;
        if (segment->p_vaddr + segment->p_memsz > high) high = segment->p_vaddr + segment->p_memsz;
    }
    return high == 0 ? (hp_module){0, 0} : (hp_module){library->dlpi_addr + low, high - low};
}

static int contains(hp_module module, uint64_t address) { return address - module.base < module.size; }

typedef struct {
    uint64_t address;
    hp_module found;
} hp_search;

static int look_in(struct dl_phdr_info *library, size_t size, void *data) {
    (void)size;
    hp_search *search = data;
    const hp_module place = place_of(library);
    if (!contains(place, search->address)) return 0;
    search->found = place;
    return 1;
}

int32_t hp_crash_module_at(hp_crash *record, int32_t slot, const void *address) {
    hp_search search = {.address = (uintptr_t)address};
    if (!dl_iterate_phdr(look_in, &search)) return -1;
    hp_crash_module(record, slot, search.found.base, search.found.size);
    return 0;
}

static int is_noted(const hp_crash *record, hp_module place) {
    for (int i = 0; i < HP_CRASH_MODULES; i++)
        if (record->modules[i].base == place.base && record->modules[i].size == place.size) return 1;
    return 0;
}

static int has_frame(const hp_crash *record, hp_module place) {
    for (int i = 0; i < record->frame_count; i++)
        if (contains(place, record->frames[i])) return 1;
    return 0;
}

static int note_other(struct dl_phdr_info *library, size_t size, void *data) {
    (void)size;
    hp_crash *record = data;
    const hp_module place = place_of(library);
    if (!has_frame(record, place) || is_noted(record, place)) return 0;
    for (int i = 0; i < HP_CRASH_OTHERS; i++) {
        if (record->others[i].where.size != 0) continue;
        const size_t length = strlen(library->dlpi_name), room = HP_CRASH_NAME - 1;
        const size_t kept = length < room ? length : room;
        memcpy(record->others[i].name, library->dlpi_name + length - kept, kept);
        record->others[i].where = place;
        return 0;
    }
    return 1;
}

void hp_crash_name_others(hp_crash *record) { dl_iterate_phdr(note_other, record); }

#else

int32_t hp_crash_module_at(hp_crash *record, int32_t slot, const void *address) {
    (void)record, (void)slot, (void)address;
    errno = ENOTSUP;
    return -1;
}

void hp_crash_name_others(hp_crash *record) { (void)record; }

#endif
