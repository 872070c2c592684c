/* A worker that rings faster than its controller can listen: there is always one more message, and deadlines hold. */
#include "check.h"

#if defined(__linux__)
#include "remote/inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- a process that is none, in place of that of csrc/posix ---- */

struct hp_process {
    int32_t killed;
};

hp_process *hp_process_start(const hp_start *start, int32_t *code) {
    (void)start, *code = 0;
    return calloc(1, sizeof(hp_process));
}
void hp_process_free(hp_process *process) { free(process); }
int64_t hp_process_id(const hp_process *process) { return (void)process, 1; }
int32_t hp_process_descriptor(const hp_process *process) { return (void)process, -1; }
int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor) {
    return (void)process, (void)message, (void)size, (void)descriptor, 0;
}
int64_t hp_process_receive(hp_process *process, void *message, size_t capacity) {
    const hp_message_head wake = {HP_WIRE_MAGIC, HP_SAY_WAKE, 0};
    (void)process;
    CHECK(capacity >= sizeof wake);
    memcpy(message, &wake, sizeof wake);
    return sizeof wake;
}
int32_t hp_process_wait(hp_process *process, int64_t nanoseconds) {
    (void)nanoseconds;
    return HP_SAW_MESSAGE | (process->killed ? HP_SAW_DEATH : 0);
}
void hp_process_wake(hp_process *process) { (void)process; }
void hp_process_kill(hp_process *process) { process->killed = 1; }
void hp_process_join(hp_process *process, int64_t nanoseconds) { (void)process, (void)nanoseconds; }
int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]) {
    return (void)usage, *status = 0, process->killed;
}

/* ---- what becomes of it ---- */

enum { MILLISECOND = 1000 * 1000 };

static hp_remote *start(void) {
    const char *const nothing[] = {"worker", NULL};
    int32_t code;
    hp_remote *remote = hp_remote_start(nothing, nothing + 1, NULL, 1, 2, NULL, &code);
    CHECK(remote != NULL);
    return remote;
}

static void a_message_is_given_up_in_time(void) {
    hp_remote *remote = start();
    hp_waited waited;
    size_t size;
    CHECK(hp_remote_ask(remote, HP_SAY_OPEN, NULL, 0, -1, MILLISECOND, NULL, &size, &waited) == 0);
    CHECK(waited.killed && waited.reason == HP_REASON_TIMEOUT);
    hp_remote_free(remote);
}

static void a_call_is_given_up_in_time(void) {
    hp_remote *remote = start();
    hp_waited waited;
    hp_remote_enter(remote, MILLISECOND, 0, &waited);
    hp_remote_await(remote);
    CHECK(waited.killed && waited.reason == HP_REASON_TIMEOUT && waited.ending == HP_ENDED_DEATH);
    hp_remote_enter(NULL, -1, 0, NULL);
    hp_remote_free(remote);
}

int main(void) {
    a_message_is_given_up_in_time();
    a_call_is_given_up_in_time();
    return 0;
}
#else
int main(void) { return 0; }
#endif
