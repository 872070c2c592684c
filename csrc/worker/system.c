/* system.c: what a worker wants of Linux; of Windows: system_win.c. */
#if defined(__linux__)
#define _GNU_SOURCE
#include "worker/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the controller puts its descriptors. */
enum { SOCKET = 3, PAGE = 4 };

int64_t hp_worker_process(void) { return getpid(); }

static pid_t own;            /* this worker; 0 in its children, whose children have a life of their own */
static __thread int is_main; /* this is the thread that lives as long as the worker */

/* In a child that the cell forks. When the worker is killed alone, the controller kills its group, and when the controller
 * is, the worker does; when something kills both at once, nobody is left to do it. A child of another thread does
 * without: it would end with that thread. */
static void end_with_worker(void) {
    const pid_t worker = own;
    own = 0;
    if (!is_main || worker == 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != worker) _exit(0); /* it ended before that took effect */
}

int32_t hp_worker_attach(hp_worker *worker) {
    void *page = mmap(NULL, sizeof(hp_page), PROT_READ | PROT_WRITE, MAP_SHARED, PAGE, 0);
    if (page == MAP_FAILED) return -1;
    close(PAGE);
    setvbuf(stdout, NULL, _IOLBF, 0);
    worker->page = page;
    worker->socket = SOCKET;
    worker->process = own = getpid();
    is_main = 1;
    struct stat found;
    if (fcntl(SOCKET, F_SETFD, FD_CLOEXEC) != 0 || fstat(SOCKET, &found) != 0) return -1;
    worker->socket_inode = found.st_ino;
    if (pthread_atfork(NULL, NULL, end_with_worker) != 0) return -1;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); /* grandchildren whose parent ends come here */
    return 0;
}

void hp_worker_loaded(void) {}

void hp_worker_check_connection(const hp_worker *worker) {
    struct stat found;
    if (fstat(worker->socket, &found) == 0 && S_ISSOCK(found.st_mode) && found.st_ino == worker->socket_inode) return;
    fputs("the cell closed the descriptor that its worker is called through\n", stderr);
    abort();
}

/* ---- messages ---- */

size_t hp_worker_receive(hp_worker *worker, uint8_t *message, int32_t *descriptor) {
    struct iovec part = {message, HP_MESSAGE_MAX};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr whole = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t size;
    do size = recvmsg(worker->socket, &whole, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    const struct cmsghdr *found = size > 0 ? CMSG_FIRSTHDR(&whole) : NULL;
    *descriptor = -1;
    if (found != NULL && found->cmsg_level == SOL_SOCKET && found->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(found), sizeof(int));
    return size > 0 ? (size_t)size : 0;
}

void hp_worker_send(hp_worker *worker, int32_t kind, const uint8_t *payload, size_t size) {
    hp_message_head head = {HP_WIRE_MAGIC, (uint32_t)kind, size};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)(uintptr_t)payload, size}};
    struct msghdr whole = {.msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1};
    ssize_t sent;
    do sent = sendmsg(worker->socket, &whole, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR); /* any other failure: the controller is gone, and the next receive tells */
}

void *hp_worker_map_memory(int32_t descriptor, uint64_t size, int32_t writable) {
    void *base = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED | MAP_NORESERVE, descriptor, 0);
    close(descriptor);
    return base == MAP_FAILED ? NULL : base;
}

/* ---- the controller's death ---- */

/* The socket tells of a controller that let go of it. Of one that died it does not while a child that was forked off has a
 * copy, so its process is watched as well; poll passes over a descriptor that there is none of. */
static struct pollfd ends[2];
static pid_t controller;

static int has_ended(struct pollfd *end) {
    if (end->revents & POLLNVAL) end->fd = -1; /* the cell closed it, which the thread that runs cells will tell of */
    return (end->revents & ~POLLNVAL) != 0;
}

static void *wait_for_end(void *unused) {
    for (int over = 0; !over;) {
        const int ready = poll(ends, 2, ends[1].fd < 0 ? 1000 : -1);
        over = ready > 0 ? has_ended(&ends[0]) | has_ended(&ends[1]) : ready == 0 && getppid() != controller;
    }
    kill(0, SIGKILL); /* this process and its children, which share its group */
    return unused;
}

/* The watching thread would keep the process alive, and nobody would answer. */
static void say_that_it_left(void *unused) {
    (void)unused;
    fputs("the cell ended the thread that it was called on (pthread_exit)\n", stderr);
    abort();
}

int32_t hp_worker_watch_controller(hp_worker *worker) {
    static pthread_key_t left;
    controller = getppid();
    /* A copy: a cell that closes the socket, or puts something else in its place, is no controller that let go of it. */
    ends[0] = (struct pollfd){fcntl(worker->socket, F_DUPFD_CLOEXEC, 0), POLLRDHUP, 0};
    ends[1] = (struct pollfd){(int)syscall(SYS_pidfd_open, controller, 0), POLLIN, 0};
    if (ends[0].fd < 0) return -1;
    if (pthread_key_create(&left, say_that_it_left) != 0 || pthread_setspecific(left, worker) != 0) return -1;
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the thread that runs cells */
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    const int failed = pthread_create(&thread, &attributes, wait_for_end, NULL);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? -1 : 0;
}

/* ---- processes that a cell left behind ---- */

static int kill_listed(const char *thread) {
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/children", thread);
    FILE *list = fopen(path, "re");
    if (list == NULL) return 0;
    for (int child; fscanf(list, "%d", &child) == 1; count++) kill(child, SIGKILL);
    fclose(list);
    return count;
}

/* How many there were, ended ones too. None although there are some: a sandbox hides them, or the system has no such list.
 * Then they end with the worker, whose group they can't leave. */
static int kill_children(void) {
    int count = 0;
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL) return 0;
    for (const struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.') count += kill_listed(entry->d_name);
    closedir(threads);
    return count;
}

void hp_worker_end_children(void) {
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) >= 0) {
        if (ended > 0) continue;
        if (kill_children() == 0) return;
        waitpid(-1, NULL, 0);
    }
}

#else
typedef int hp_no_worker_here;
#endif
