/* shared.c (Windows): memory that several processes can map, a section of the paging file; time and processors. */
#include "remote/shared.h"

#include <windows.h>

void hp_yield(void) { SwitchToThread(); }

int64_t hp_now(void) {
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart / frequency.QuadPart * 1000000000 + count.QuadPart % frequency.QuadPart * 1000000000 / frequency.QuadPart;
}

int32_t hp_processors(void) { return (int32_t)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS); }

int32_t hp_this_processor(void) { return (int32_t)GetCurrentProcessorNumber(); }

/* ---- shared memory ---- */

/* A section costs 8 bytes of the kernel's memory for each of its pages from the start, used or not: 16 MiB for this. */
uint64_t hp_shared_capacity(void) { return (uint64_t)1 << 33; }

static HANDLE handle_of(int32_t number) { return (HANDLE)(intptr_t)number; }
/* Of a handle 32 bits count, so that programs of both word sizes can exchange them. */
static int32_t number_of(HANDLE handle) { return (int32_t)(intptr_t)handle; }

static int32_t open_and_map(hp_shared *memory, uint64_t size) {
    HANDLE reader;
    const HANDLE self = GetCurrentProcess();
    /* Reserved: without that, all of it would count against the system's memory at once. */
    const HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE | SEC_RESERVE, (DWORD)(size >> 32),
                                              (DWORD)size, NULL);
    if (section == NULL) return (int32_t)GetLastError();
    memory->descriptor = number_of(section);
    if (!DuplicateHandle(self, section, self, &reader, FILE_MAP_READ, FALSE, 0)) return (int32_t)GetLastError();
    memory->read_descriptor = number_of(reader);
    memory->base = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, (SIZE_T)size);
    if (memory->base == NULL) return (int32_t)GetLastError();
    memory->size = size;
    return 0;
}

int32_t hp_shared_map(hp_shared *memory, uint64_t size) {
    *memory = (hp_shared){NULL, 0, -1, -1};
    const int32_t code = open_and_map(memory, size);
    if (code != 0) hp_shared_unmap(memory);
    return code;
}

void hp_shared_unmap(hp_shared *memory) {
    if (memory->base != NULL) UnmapViewOfFile(memory->base);
    if (memory->descriptor >= 0) CloseHandle(handle_of(memory->descriptor));
    if (memory->read_descriptor >= 0) CloseHandle(handle_of(memory->read_descriptor));
    *memory = (hp_shared){NULL, 0, -1, -1};
}

/* What one process has committed, all have; once more does no harm. */
int32_t hp_shared_commit(void *address, uint64_t size) {
    return size == 0 || VirtualAlloc(address, (SIZE_T)size, MEM_COMMIT, PAGE_READWRITE) != NULL ? 0 : -1;
}

/* Pages of a section can't be decommitted; but what they hold need not be kept, so they take no memory. */
int32_t hp_shared_discard(hp_shared *memory, uint64_t offset, uint64_t size) {
    return VirtualAlloc(memory->base + offset, (SIZE_T)size, MEM_RESET, PAGE_READWRITE) != NULL ? 0 : -1;
}

uint32_t hp_forks(void) { return 0; }
