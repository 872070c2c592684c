/* Workers of a controller that forks: its child has copies of all descriptors, and is nobody to them. */
#define _GNU_SOURCE
#include "workers.h"

#if defined(__linux__)
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_forked_child_can_kill_no_worker_of_its_parent(void) {
    int status;
    test_worker worker = start_worker();
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        hp_remote_kill(worker.remote);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    hp_remote_enter(worker.remote, -1, 0, &worker.waited);
    CHECK(call(&worker, ANSWER) == HP_OK);
    hp_remote_enter(NULL, -1, 0, NULL);
    bury(&worker);
}

typedef struct processes {
    pid_t child;
    int32_t worker;
} processes;

/* A controller with a worker and a child that lives on and holds the controller's end of the worker's socket. */
static void control(int report) {
    const test_worker worker = start_worker();
    processes made = {.worker = (int32_t)hp_remote_process(worker.remote)};
    made.child = fork();
    if (made.child == 0)
        for (;;) pause();
    CHECK(write(report, &made, sizeof made) == sizeof made);
    for (;;) pause();
}

static void a_worker_ends_with_its_controller_although_a_child_of_that_lives_on(void) {
    int ends[2];
    processes made;
    CHECK(pipe(ends) == 0);
    const pid_t controller = fork();
    CHECK(controller >= 0);
    if (controller == 0) control(ends[1]);
    CHECK(read(ends[0], &made, sizeof made) == sizeof made);
    struct pollfd worker = {(int)syscall(SYS_pidfd_open, made.worker, 0), POLLIN, 0};
    CHECK(worker.fd >= 0);
    CHECK(kill(controller, SIGKILL) == 0 && waitpid(controller, NULL, 0) == controller);
    const int ended = poll(&worker, 1, 10 * 1000);
    CHECK(kill(made.child, SIGKILL) == 0);
    CHECK(ended == 1);
    close(worker.fd);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    a_forked_child_can_kill_no_worker_of_its_parent();
    a_worker_ends_with_its_controller_although_a_child_of_that_lives_on();
    return 0;
}
#else
int main(void) { return 0; }
#endif
