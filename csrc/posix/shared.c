/* shared.c: memory that several processes can map: on Linux a memfd. */
#define _GNU_SOURCE
#include "remote/shared.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

void hp_yield(void) { sched_yield(); }

uint64_t hp_shared_capacity(void) { return (uint64_t)1 << 36; }

int32_t hp_shared_commit(void *address, uint64_t size) { return (void)address, (void)size, 0; }

static int32_t count_processors(void) {
#if defined(__linux__)
    cpu_set_t own;
    if (sched_getaffinity(0, sizeof own, &own) == 0) return CPU_COUNT(&own);
#endif
    return (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

int64_t hp_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int32_t hp_processors(void) {
    static int32_t known;
    int32_t count = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (count == 0) __atomic_store_n(&known, count = count_processors(), __ATOMIC_RELAXED);
    return count;
}

int32_t hp_this_processor(void) {
#if defined(__linux__)
    return sched_getcpu();
#else
    return -1;
#endif
}

static uint32_t forks;
static void note_fork(void) { forks++; }
static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

uint32_t hp_forks(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    return forks;
}

#if defined(__linux__)
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

static int32_t open_and_map(hp_shared *memory, uint64_t size) {
    char path[64];
    memory->descriptor = memfd_create("hotplate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory->descriptor < 0 || ftruncate(memory->descriptor, (off_t)size) != 0) return errno;
    /* A worker that cut it off would end whoever touches the missing part by SIGBUS. */
    if (fcntl(memory->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return errno;
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory->descriptor);
    memory->read_descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (memory->read_descriptor < 0) return errno;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory->descriptor, 0);
    if (base == MAP_FAILED) return errno;
    memory->base = base;
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
    if (memory->base != NULL) munmap(memory->base, memory->size);
    if (memory->descriptor >= 0) close(memory->descriptor);
    if (memory->read_descriptor >= 0) close(memory->read_descriptor);
    *memory = (hp_shared){NULL, 0, -1, -1};
}

int32_t hp_shared_discard(hp_shared *memory, uint64_t offset, uint64_t size) {
    return madvise(memory->base + offset, size, MADV_REMOVE) == 0 ? 0 : -1;
}

#endif
