/* process.c: a worker process on Linux: vfork and exec, a SEQPACKET socket, a pidfd, an eventfd. */
#define _GNU_SOURCE
#include "core/say.h"
#include "remote/process.h"
#include "remote/shared.h"

#include <errno.h>

#if defined(__linux__)
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct hp_process {
    pid_t pid;
    int pidfd;
    int socket;
    int wake;
    int32_t reaped;
    pthread_mutex_t ending; /* a kill must not come after the number went back to the system */
};

/* ---- starting ---- */

enum { WORKER_SOCKET = 3, WORKER_PAGE = 4, FIRST_UNUSED = 5 };
enum { WAIT_BY_PIDFD = 3 }; /* P_PIDFD, which glibc has since 2.36 only */

/* In the child, which shares the memory of its parent until exec: only system calls, and nothing is changed. */
static void become(const hp_start *start, int socket, int null, const sigset_t *mask) {
    setpgid(0, 0);
    if (start->folder != NULL && chdir(start->folder) != 0) return;
    /* First above the numbers that they shall have, for one may be another's present number. */
    int found[FIRST_UNUSED] = {null, start->out, start->err, socket, start->page};
    for (int i = 0; i < FIRST_UNUSED; i++)
        if ((found[i] = fcntl(found[i], F_DUPFD_CLOEXEC, FIRST_UNUSED)) < 0) return;
    for (int i = 0; i < FIRST_UNUSED; i++)
        if (dup2(found[i], i) < 0) return;
    syscall(SYS_close_range, FIRST_UNUSED, ~0u, 0);
    struct sigaction usual;
    memset(&usual, 0, sizeof usual);
    usual.sa_handler = SIG_DFL;
    for (int number = 1; number < 32; number++) sigaction(number, &usual, NULL); /* Python ignores SIGPIPE */
    sigprocmask(SIG_SETMASK, mask, NULL);
    execve(start->argv[0], (char *const *)(uintptr_t)start->argv, (char *const *)(uintptr_t)start->environment);
}

static void take_away(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
}

static pid_t spawn(const hp_start *start, int socket, int null, int32_t *code) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a handler of ours must not run in the child */
    volatile int32_t failed = 0;
    const pid_t pid = vfork();
    if (pid == 0) {
        become(start, socket, null, &before);
        failed = errno;
        _exit(127);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *code = pid < 0 ? errno : failed;
    if (pid > 0 && failed) take_away(pid);
    return *code ? -1 : pid;
}

static void close_all(int *descriptors, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0) close(descriptors[i]);
}

hp_process *hp_process_start(const hp_start *start, int32_t *code) {
    int pair[2] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC), wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    hp_process *process = malloc(sizeof *process);
    if (process == NULL || null < 0 || wake < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        *code = process == NULL ? ENOMEM : errno;
        close_all((int[]){null, wake}, 2);
        free(process);
        return NULL;
    }
    const pid_t pid = spawn(start, pair[1], null, code);
    close_all((int[]){null, pair[1]}, 2);
    const int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        if (pid > 0) {
            *code = errno;
            if (*code != ESRCH) kill(-pid, SIGKILL); /* else it is gone, and was taken away: SIGCHLD is ignored here */
            take_away(pid);
        }
        close_all((int[]){pair[0], wake}, 2);
        free(process);
        return NULL;
    }
    *process = (hp_process){.pid = pid, .pidfd = pidfd, .socket = pair[0], .wake = wake};
    pthread_mutex_init(&process->ending, NULL);
    return process;
}

void hp_process_free(hp_process *process) {
    if (process == NULL) return;
    close_all((int[]){process->pidfd, process->socket, process->wake}, 3);
    pthread_mutex_destroy(&process->ending);
    free(process);
}

int64_t hp_process_id(const hp_process *process) { return process->pid; }

int32_t hp_process_descriptor(const hp_process *process) { return process->pidfd; }

/* ---- talking ---- */

int32_t hp_process_send(hp_process *process, const void *message, size_t size, int32_t descriptor) {
    struct iovec part = {(void *)(uintptr_t)message, size};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        whole.msg_control = control.bytes;
        whole.msg_controllen = sizeof control.bytes;
        memset(&control, 0, sizeof control);
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &descriptor, sizeof(int));
    }
    ssize_t sent;
    /* Without waiting: a worker that has so much unread does not listen, and its controller must not hang with it. */
    do sent = sendmsg(process->socket, &whole, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)size ? 0 : -1;
}

int64_t hp_process_receive(hp_process *process, void *message, size_t capacity) {
    ssize_t size;
    do size = recv(process->socket, message, capacity, MSG_DONTWAIT);
    while (size < 0 && errno == EINTR);
    if (size > 0) return size;
    return size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

int32_t hp_process_wait(hp_process *process, int64_t nanoseconds) {
    struct pollfd watched[] = {{process->socket, POLLIN, 0}, {process->pidfd, POLLIN, 0}, {process->wake, POLLIN, 0}};
    struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    const int ready = ppoll(watched, 3, nanoseconds < 0 ? NULL : &limit, NULL);
    if (ready == 0) return HP_SAW_TIMEOUT;
    if (ready < 0) return HP_SAW_WAKE; /* a signal: its handler may have set the abort word */
    int32_t seen = 0;
    if (watched[0].revents & POLLIN) seen |= HP_SAW_MESSAGE;
    if (watched[1].revents || (watched[0].revents & (POLLHUP | POLLERR))) seen |= HP_SAW_DEATH;
    if (watched[2].revents) {
        uint64_t ignored;
        if (read(process->wake, &ignored, sizeof ignored) > 0) seen |= HP_SAW_WAKE;
    }
    return seen;
}

void hp_process_wake(hp_process *process) {
    const uint64_t one = 1;
    if (write(process->wake, &one, sizeof one) < 0) return; /* it is full: the wait ends anyway */
}

/* ---- ending ---- */

/* Whether it has ended: 1, or 0; -1 when it is not this process's to take away: somebody else did, and its number may be
 * another one's, or it is a worker of this process's parent. By descriptor, for that can't be another one's. */
static int32_t look_at(const hp_process *process, int options, siginfo_t *ended, struct rusage *used) {
    memset(ended, 0, sizeof *ended);
    long failed;
    do failed = syscall(SYS_waitid, WAIT_BY_PIDFD, process->pidfd, ended, WEXITED | options, used);
    while (failed && errno == EINTR);
    return failed ? -1 : ended->si_pid != 0;
}

static int32_t has_ended(const hp_process *process) {
    siginfo_t ended;
    return look_at(process, WNOHANG | WNOWAIT, &ended, NULL);
}

/* A process that nobody has taken away still owns its number, so the group can't be another one's. A child that was
 * forked off leaves its parent's workers alone. */
static void kill_group(const hp_process *process) {
    if (has_ended(process) < 0) return;
    kill(-process->pid, SIGKILL);
    syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0); /* should it have left its group */
}

void hp_process_kill(hp_process *process) {
    pthread_mutex_lock(&process->ending);
    if (!process->reaped) kill_group(process);
    pthread_mutex_unlock(&process->ending);
}

void hp_process_join(hp_process *process, int64_t nanoseconds) {
    struct pollfd watched = {process->pidfd, POLLIN, 0};
    const int64_t end = hp_now() + nanoseconds;
    for (int64_t left = nanoseconds; left > 0; left = end - hp_now()) {
        const struct timespec limit = {left / 1000000000, left % 1000000000};
        if (ppoll(&watched, 1, &limit, NULL) >= 0) return; /* else a signal came */
    }
}

int32_t hp_process_reap(hp_process *process, int32_t *status, int64_t usage[3]) {
    siginfo_t ended;
    struct rusage used;
    pthread_mutex_lock(&process->ending);
    if (has_ended(process) == 0) {
        pthread_mutex_unlock(&process->ending);
        return 0;
    }
    kill_group(process);
    const int32_t taken = look_at(process, 0, &ended, &used);
    process->reaped = 1;
    pthread_mutex_unlock(&process->ending);
    if (taken < 0) memset(&used, 0, sizeof used); /* somebody else took it, and its status with it */
    *status = taken < 0 || ended.si_code == CLD_EXITED ? ended.si_status : -ended.si_status;
    usage[0] = (int64_t)used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec;
    usage[1] = (int64_t)used.ru_stime.tv_sec * 1000000 + used.ru_stime.tv_usec;
    usage[2] = used.ru_maxrss;
    return 1;
}

#endif
