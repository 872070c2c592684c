/* shared.c (Windows): time and processors. Shared memory and workers are not there yet; see remote/elsewhere.c. */
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
