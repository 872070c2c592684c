/* elsewhere.c: for systems that have no workers yet, which is all but Linux and Windows. Whoever asks for shared memory or
 * a process is refused with ENOSYS, so that none of the other functions is ever reached with one. */
#if !defined(__linux__) && !defined(_WIN32)
#include "remote/process.h"
#include "remote/shared.h"

#include <errno.h>
#include <stddef.h>

int32_t hp_shared_map(hp_shared *memory, uint64_t size) {
    *memory = (hp_shared){NULL, size, -1, -1};
    return ENOSYS;
}
void hp_shared_unmap(hp_shared *memory) { memory->base = NULL; }
int32_t hp_shared_discard(hp_shared *memory, uint64_t offset, uint64_t size) {
    return (void)memory, (void)offset, (void)size, -1;
}

hp_process *hp_process_start(const hp_start *start, int32_t *code) {
    (void)start;
    *code = ENOSYS;
    return NULL;
}
void hp_process_free(hp_process *process) { (void)process; }
int64_t hp_process_id(const hp_process *process) { return (void)process, -1; }
int32_t hp_process_descriptor(const hp_process *process) { return (void)process, -1; }
int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor) {
    return (void)process, (void)message, (void)size, (void)descriptor, -1;
}
int64_t hp_process_receive(hp_process *process, void *message, size_t capacity) {
    return (void)process, (void)message, (void)capacity, -1;
}
int32_t hp_process_wait(hp_process *process, int64_t nanoseconds) { return (void)process, (void)nanoseconds, HP_SAW_DEATH; }
void hp_process_wake(hp_process *process) { (void)process; }
void hp_process_kill(hp_process *process) { (void)process; }
void hp_process_join(hp_process *process, int64_t nanoseconds) { (void)process, (void)nanoseconds; }
int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]) {
    return (void)process, (void)status, (void)usage, 0;
}

#else
typedef int hp_workers_are_here;
#endif
