/* sandbox_attempts.h (Linux): what a cell may try, each as a function that says how it went; and the files, servers and
 * libraries that it tries it on. */
#ifndef HOTPLATE_TESTS_SANDBOX_ATTEMPTS_H
#define HOTPLATE_TESTS_SANDBOX_ATTEMPTS_H

#include "check.h"
#include "worker/sandbox.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define TRY(call) ((call) < 0 ? errno : 0)

/* What a child tries: 0 when it could, else the errno that it saw. */
typedef int attempt(void);

static char folder[] = "/tmp/hotplate-sandbox-XXXXXX";
static char secret[64], listed[64], output[64], plugin[64], stray_plugin[64];
static struct sockaddr_in server;
static struct sockaddr_un local_server;

/* ---- attempts ---- */

static inline int opened(const char *path, int flags) {
    int file = open(path, flags, 0600);
    if (file < 0) return errno;
    close(file);
    return 0;
}

static inline int reads_a_file(void) { return opened(secret, O_RDONLY); }
static inline int lists_a_folder(void) { return opened("/etc", O_RDONLY | O_DIRECTORY); }
static inline int writes_a_file(void) { return opened(secret, O_WRONLY); }
static inline int creates_a_file(void) { return opened(output, O_WRONLY | O_CREAT); }
static inline int truncates_a_file(void) { return TRY(truncate(secret, 1)); }
static inline int truncates_by_opening(void) { return opened(secret, O_RDONLY | O_TRUNC); }
static inline int truncates_by_opening_for_nothing(void) { return opened(secret, O_ACCMODE | O_TRUNC); }
static inline int changes_a_mode(void) { return TRY(chmod(secret, 0640)); }
static inline int changes_times(void) { return TRY(utimensat(AT_FDCWD, secret, NULL, 0)); }
static inline int renames_a_file(void) { return TRY(rename(secret, output)) || TRY(rename(output, secret)) ? errno : 0; }

static inline int connects(void) {
    int end = socket(AF_INET, SOCK_STREAM, 0);
    return end < 0 ? errno : TRY(connect(end, (struct sockaddr *)&server, sizeof server));
}
static inline int connects_locally(void) {
    int end = socket(AF_UNIX, SOCK_STREAM, 0);
    return end < 0 ? errno : TRY(connect(end, (struct sockaddr *)&local_server, sizeof local_server));
}
static inline int opens_a_datagram_socket(void) { return TRY(socket(AF_INET6, SOCK_DGRAM, 0)); }
static inline int opens_a_netlink_socket(void) { return TRY(socket(AF_NETLINK, SOCK_RAW, 0)); }
static inline int opens_a_pair_of_datagram_sockets(void) {
    int ends[2];
    return TRY(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
}

static inline int forks(void) {
    pid_t child = fork();
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    return TRY(waitpid(child, NULL, 0));
}
static inline int forks_by_number(void) {
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child < 0) return errno;
    if (child == 0) _exit(0);
    return TRY(waitpid((pid_t)child, NULL, 0));
}
static inline int runs_a_program(void) {
    execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
    return errno;
}
static inline int leaves_the_session(void) { return TRY(setsid()); }
static inline int leaves_the_group(void) { return TRY(setpgid(0, 0)); }

/* SIGCONT does nothing to a process that runs. */
static inline int signals_the_parent(void) { return TRY(kill(getppid(), SIGCONT)); }
static inline int signals_a_thread_of_the_parent(void) { return TRY(syscall(SYS_tgkill, getppid(), getppid(), SIGCONT)); }
static inline int signals_by_owning_a_file(void) { return TRY(fcntl(STDIN_FILENO, F_SETOWN, getppid())); }
static inline int traces_the_parent(void) { return TRY(ptrace(PTRACE_SEIZE, getppid(), 0, 0)); }
static inline int opens_the_memory_of_the_parent(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", getppid());
    return opened(path, O_RDWR);
}
static inline int limits_the_parent(void) {
    struct rlimit now;
    return TRY(prlimit(getppid(), RLIMIT_NOFILE, NULL, &now));
}
static inline int renices(int which, id_t who) { return TRY(setpriority(which, who, getpriority(which, who))); }
static inline int renices_the_parent(void) { return renices(PRIO_PROCESS, (id_t)getppid()); }
static inline int renices_its_user(void) { return renices(PRIO_USER, 0); }
static inline int renices_itself(void) { return renices(PRIO_PROCESS, 0); }
static inline int schedules_the_parent(void) {
    const struct sched_param least = {0};
    return TRY(sched_setscheduler(getppid(), SCHED_OTHER, &least)) || TRY(sched_setparam(getppid(), &least)) ? errno : 0;
}
static inline int puts_off_what_the_parent_reads(void) {
    return TRY(syscall(SYS_ioprio_set, 1, getppid(), syscall(SYS_ioprio_get, 1, getppid())));
}
static inline int shares_memory_by_key(void) {
    int key = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    return key < 0 ? errno : TRY(shmctl(key, IPC_RMID, NULL));
}
/* The call fails on what is no terminal; what counts is whether it got that far. */
static inline int types_into_the_terminal(void) {
    if (ioctl(STDIN_FILENO, TIOCSTI, "x") == 0) return 0;
    return errno == EPERM ? EPERM : 0;
}

static inline int allocates_without_end(void) {
    for (int i = 0; i < 64; i++) {
        char *block = malloc(16 * MIB);
        if (block == NULL) return errno;
        *(volatile char *)block = 1;
    }
    return 0;
}
static inline int maps(int flags) {
    void *block = mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    return block == MAP_FAILED ? errno : 0;
}
static inline int maps_shared_memory(void) { return maps(MAP_SHARED); }
static inline int maps_a_growing_stack(void) { return maps(MAP_PRIVATE | MAP_GROWSDOWN); }
/* EINVAL: the largest that it may choose is less. */
static inline int makes_room_for_a_larger_stack(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = RLIM_INFINITY;
    return TRY(setrlimit(RLIMIT_STACK, &limit));
}
static inline int makes_a_file_in_memory(void) { return TRY(memfd_create("block", MFD_CLOEXEC)); }

static inline int burns_time(void) {
    for (volatile uint64_t i = 0; (double)clock() / CLOCKS_PER_SEC < 1.2; i++) continue;
    return 0;
}
static inline int is_given_time(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CPU, &limit);
    return limit.rlim_cur > 1 ? 0 : ETIME;
}
static inline int writes_a_huge_file(void) {
    int file = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return file < 0 ? errno : TRY(ftruncate(file, (off_t)(2 * MIB)));
}
static inline int would_dump_core(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_max > 1 ? 0 : EFBIG;
}
static inline int has_capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets) != 0) return errno;
    return (sets[0].permitted | sets[1].permitted) != 0 ? 0 : EPERM;
}

/* ---- what goes on working ---- */

static inline void *adds_one(void *number) {
    ++*(int *)number;
    return NULL;
}
static inline int starts_a_thread(void) {
    pthread_t thread;
    int number = 1;
    int error = pthread_create(&thread, NULL, adds_one, &number);
    if (error == 0) error = pthread_join(thread, NULL);
    return error != 0 ? error : number != 2;
}
/* As OpenMP does it. */
static inline int starts_a_thread_on_a_processor(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    cpu_set_t set;
    int number = 1;
    sched_getaffinity(0, sizeof set, &set);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    int error = pthread_create(&thread, &attributes, adds_one, &number);
    pthread_attr_destroy(&attributes);
    return error != 0 ? error : pthread_join(thread, NULL);
}
static inline int allocates_and_prints(void) {
    char *block = malloc(MIB);
    if (block == NULL) return errno;
    memset(block, 'x', MIB);
    int same = block[MIB - 1] == 'x' && printf("%.1s\n", block) == 2 && fflush(stdout) == 0;
    free(block);
    return !same;
}
static inline int opens_a_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return EACCES;
    dlclose(library);
    return 0;
}
static inline int opens_a_listed_library(void) { return opens_a_library(plugin); }
static inline int opens_another_library(void) { return opens_a_library(stray_plugin); }
static inline int opens_a_library_of_the_system(void) { return opens_a_library("libresolv.so.2"); }
static inline int reads_a_listed_file(void) { return opened(listed, O_RDONLY); }
static inline int writes_a_listed_file(void) { return opened(listed, O_WRONLY | O_TRUNC); }
static inline int uses_a_pair_of_sockets(void) {
    int ends[2];
    char word[2] = "";
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
    return send(ends[0], "x", 1, 0) != 1 || recv(ends[1], word, 1, 0) != 1 || word[0] != 'x';
}
static inline int signals_itself(void) { return TRY(kill(getpid(), SIGCONT)) || TRY(raise(SIGCONT)) ? errno : 0; }
static inline int maps_a_shared_arena(void) {
    int arena = open(listed, O_RDWR);
    void *pages = mmap(NULL, 256 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, arena, 0);
    return pages == MAP_FAILED ? errno : 0;
}

/* ---- the scene ---- */

static inline void write_file(const char *path) {
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs("secret", file) >= 0 && fclose(file) == 0);
}

/* Copies a small library of the system, so that there is one that is listed and one that is not. */
static inline void copy_library(const char *path) {
    char command[256];
    void *library = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
    Dl_info info;
    CHECK(library != NULL && dladdr(dlsym(library, "ns_name_ntop"), &info) != 0);
    snprintf(command, sizeof command, "cp -L '%s' '%s'", info.dli_fname, path);
    CHECK(system(command) == 0);
    dlclose(library);
}

static inline void listen_on(int family, struct sockaddr *address, socklen_t size) {
    int end = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(end >= 0 && bind(end, address, size) == 0 && listen(end, 64) == 0);
    CHECK(getsockname(end, address, &size) == 0);
}

static inline void set_scene(void) {
    CHECK(mkdtemp(folder) != NULL);
    snprintf(secret, sizeof secret, "%s/secret", folder);
    snprintf(listed, sizeof listed, "%s/listed", folder);
    snprintf(output, sizeof output, "%s/output", folder);
    snprintf(plugin, sizeof plugin, "%s/plugin.so", folder);
    snprintf(stray_plugin, sizeof stray_plugin, "%s/stray.so", folder);
    write_file(secret);
    write_file(listed);
    copy_library(plugin);
    copy_library(stray_plugin);
    server.sin_family = AF_INET;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listen_on(AF_INET, (struct sockaddr *)&server, sizeof server);
    local_server.sun_family = AF_UNIX;
    snprintf(local_server.sun_path, sizeof local_server.sun_path, "%s/socket", folder);
    listen_on(AF_UNIX, (struct sockaddr *)&local_server, sizeof local_server);
}

static inline void clear_scene(void) {
    const char *const paths[] = {secret, listed, plugin, stray_plugin, local_server.sun_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) CHECK(unlink(paths[i]) == 0);
    CHECK(rmdir(folder) == 0);
}

#endif
