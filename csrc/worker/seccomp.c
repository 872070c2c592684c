/* seccomp.c (Linux): system calls that are refused, as one filter.
 *
 * A list of what is refused, not of what is allowed: cells use the C library as they like, and it may call anything.
 * What came into the kernel after this list was made is unknown to it and answered with ENOSYS, as an older kernel would.
 * A call that no rule looks into costs 30 ns more: the kernel remembers that it passes (since 5.11).
 */
#if defined(__linux__)
#define _GNU_SOURCE
#include "worker/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker/syscalls.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#if defined(MACHINE)

enum { X32_CALLS = 0x40000000, CAPACITY = 1024, NO_ARGUMENT = -1 };
enum { ONE_PROCESS = 1 }; /* IOPRIO_WHO_PROCESS, which old headers lack */

/* Beside hp_control: what Landlock does, where it is too old for it. */
enum { OLD_TRUNCATION = HP_CONTROLS, OLD_SIGNALS };

#define BIT(control) (1u << (control))
#define FILESYSTEM BIT(HP_CONTROL_FILESYSTEM)
#define NETWORK BIT(HP_CONTROL_NETWORK)
#define PROCESSES BIT(HP_CONTROL_PROCESSES)
#define PEERS BIT(HP_CONTROL_PEERS)
#define MEMORY BIT(HP_CONTROL_MEMORY)
#define GROUP BIT(HP_CONTROL_GROUP)
#define TRUNCATION BIT(OLD_TRUNCATION)
#define SIGNALS BIT(OLD_SIGNALS)

/* A call that is refused with `error`: always, or where `argument & mask` is (not) `value`. */
typedef struct rule {
    uint32_t call, controls, error;
    int32_t argument;
    uint32_t mask, value;
    int32_t unless;
} rule;

#define REFUSE(call, controls, error) {__NR_##call, controls, error, NO_ARGUMENT, 0, 0, 0}
#define REFUSE_IF(call, controls, error, argument, mask, value) \
    {__NR_##call, controls, error, argument, mask, value, 0}
#define REFUSE_UNLESS(call, controls, error, argument, mask, value) \
    {__NR_##call, controls, error, argument, mask, value, 1}

static const rule RULES[] = {
    REFUSE(setsid, GROUP, EPERM),
    REFUSE(setpgid, GROUP, EPERM),

    REFUSE(socket, NETWORK, EACCES),
    REFUSE(connect, NETWORK, EACCES),
    REFUSE(bind, NETWORK, EACCES),
    REFUSE(listen, NETWORK, EACCES),
    REFUSE(accept, NETWORK, EACCES),
    REFUSE(accept4, NETWORK, EACCES),
    /* A pair of stream sockets reaches nobody else. Datagrams could be sent to any name from one end of a pair. */
    REFUSE_UNLESS(socketpair, NETWORK, EACCES, 0, 0xffffffffu, AF_UNIX),
    REFUSE_IF(socketpair, NETWORK, EACCES, 1, 0xf, SOCK_DGRAM),
    REFUSE_IF(socketpair, NETWORK, EACCES, 1, 0xf, SOCK_RAW),
    /* It opens sockets and sets attributes without a system call for each. */
    REFUSE(io_uring_setup, NETWORK | FILESYSTEM | PEERS, EPERM),
    REFUSE(io_uring_enter, NETWORK | FILESYSTEM | PEERS, EPERM),
    REFUSE(io_uring_register, NETWORK | FILESYSTEM | PEERS, EPERM),

    REFUSE(fork, PROCESSES, EPERM),
    REFUSE(vfork, PROCESSES, EPERM),
    REFUSE(execve, PROCESSES, EPERM),
    REFUSE(execveat, PROCESSES, EPERM),
    REFUSE_UNLESS(clone, PROCESSES, EPERM, 0, CLONE_THREAD, CLONE_THREAD),
    /* Its flags are in memory, where no filter can look. The C library then calls clone. */
    REFUSE(clone3, PROCESSES, ENOSYS),
    REFUSE(unshare, PROCESSES, EPERM),
    REFUSE(setns, PROCESSES, EPERM),

    REFUSE(ptrace, PEERS, EPERM),
    REFUSE(process_vm_readv, PEERS, EPERM),
    REFUSE(process_vm_writev, PEERS, EPERM),
    REFUSE(pidfd_getfd, PEERS, EPERM),
    REFUSE(process_madvise, PEERS, EPERM),
    REFUSE(process_mrelease, PEERS, EPERM),
    REFUSE(kcmp, PEERS, EPERM),
    REFUSE(move_pages, PEERS, EPERM),
    REFUSE(migrate_pages, PEERS, EPERM),
    REFUSE(perf_event_open, PEERS, EPERM),
    REFUSE(bpf, PEERS, EPERM),
    REFUSE(keyctl, PEERS, EPERM),
    REFUSE(add_key, PEERS, EPERM),
    REFUSE(request_key, PEERS, EPERM),
    REFUSE(shmget, PEERS | MEMORY, EACCES),
    REFUSE(shmat, PEERS, EACCES),
    REFUSE(shmctl, PEERS, EACCES),
    REFUSE(semget, PEERS, EACCES),
    REFUSE(semctl, PEERS, EACCES),
    REFUSE(semop, PEERS, EACCES),
    REFUSE(semtimedop, PEERS, EACCES),
    REFUSE(msgget, PEERS, EACCES),
    REFUSE(msgctl, PEERS, EACCES),
    REFUSE(msgsnd, PEERS, EACCES),
    REFUSE(msgrcv, PEERS, EACCES),
    REFUSE(mq_open, PEERS, EACCES),
    REFUSE(mq_unlink, PEERS, EACCES),
    /* A group or a user is more than this process. */
    REFUSE_UNLESS(setpriority, PEERS, EPERM, 0, 0xffffffffu, PRIO_PROCESS),
    REFUSE_UNLESS(ioprio_set, PEERS, EPERM, 0, 0xffffffffu, ONE_PROCESS),
    /* They type into the terminal that the session runs in. */
    REFUSE_IF(ioctl, PEERS, EPERM, 1, 0xffffffffu, TIOCSTI),
    REFUSE_IF(ioctl, PEERS, EPERM, 1, 0xffffffffu, TIOCLINUX),

    /* Signals by way of a number, a descriptor or a file's owner. */
    REFUSE(tkill, SIGNALS, EPERM),
    REFUSE(pidfd_send_signal, SIGNALS, EPERM),
    REFUSE_IF(fcntl, SIGNALS, EPERM, 1, 0xffffffffu, F_SETOWN),
    REFUSE_IF(fcntl, SIGNALS, EPERM, 1, 0xffffffffu, F_SETOWN_EX),
    REFUSE_IF(ioctl, SIGNALS, EPERM, 1, 0xffffffffu, FIOSETOWN),
    REFUSE_IF(ioctl, SIGNALS, EPERM, 1, 0xffffffffu, SIOCSPGRP),

    /* Memory that RLIMIT_DATA does not count. */
    REFUSE(memfd_create, MEMORY, ENOMEM),
    REFUSE(memfd_secret, MEMORY, ENOMEM),
    REFUSE_IF(mmap, MEMORY, ENOMEM, 3, MAP_ANONYMOUS | MAP_TYPE, MAP_ANONYMOUS | MAP_SHARED),
    REFUSE_IF(mmap, MEMORY, ENOMEM, 3, MAP_GROWSDOWN, MAP_GROWSDOWN),

    /* What Landlock leaves open: it looks at opening files, not at whose they are. */
    REFUSE(chmod, FILESYSTEM, EPERM),
    REFUSE(fchmod, FILESYSTEM, EPERM),
    REFUSE(fchmodat, FILESYSTEM, EPERM),
    REFUSE(fchmodat2, FILESYSTEM, EPERM),
    REFUSE(chown, FILESYSTEM, EPERM),
    REFUSE(fchown, FILESYSTEM, EPERM),
    REFUSE(lchown, FILESYSTEM, EPERM),
    REFUSE(fchownat, FILESYSTEM, EPERM),
    REFUSE(utime, FILESYSTEM, EPERM),
    REFUSE(utimes, FILESYSTEM, EPERM),
    REFUSE(futimesat, FILESYSTEM, EPERM),
    REFUSE(utimensat, FILESYSTEM, EPERM),
    REFUSE(setxattr, FILESYSTEM, EPERM),
    REFUSE(lsetxattr, FILESYSTEM, EPERM),
    REFUSE(fsetxattr, FILESYSTEM, EPERM),
    REFUSE(setxattrat, FILESYSTEM, EPERM),
    REFUSE(removexattr, FILESYSTEM, EPERM),
    REFUSE(lremovexattr, FILESYSTEM, EPERM),
    REFUSE(fremovexattr, FILESYSTEM, EPERM),
    REFUSE(removexattrat, FILESYSTEM, EPERM),
    REFUSE(mount, FILESYSTEM, EPERM),
    REFUSE(umount2, FILESYSTEM, EPERM),
    REFUSE(pivot_root, FILESYSTEM, EPERM),
    REFUSE(chroot, FILESYSTEM, EPERM),
    REFUSE(open_tree, FILESYSTEM, EPERM),
    REFUSE(move_mount, FILESYSTEM, EPERM),
    REFUSE(fsopen, FILESYSTEM, EPERM),
    REFUSE(fspick, FILESYSTEM, EPERM),
    REFUSE(mount_setattr, FILESYSTEM, EPERM),
    REFUSE(open_by_handle_at, FILESYSTEM, EPERM),
    REFUSE(truncate, TRUNCATION, EACCES),
    REFUSE(openat2, TRUNCATION, ENOSYS), /* its flags are in memory */
    REFUSE_IF(open, TRUNCATION, EACCES, 1, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC),
    REFUSE_IF(openat, TRUNCATION, EACCES, 2, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC),
    /* Opened for neither reading nor writing, which is what both bits together ask for. */
    REFUSE_IF(open, TRUNCATION, EACCES, 1, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC),
    REFUSE_IF(openat, TRUNCATION, EACCES, 2, O_ACCMODE | O_TRUNC, O_ACCMODE | O_TRUNC),
};

/* A rule takes six lines at most, and what stands around them takes fewer than a hundred. */
_Static_assert(sizeof RULES / sizeof *RULES * 6 + 100 <= CAPACITY, "the filter has no room for its rules");

typedef struct filter {
    struct sock_filter code[CAPACITY];
    unsigned short length;
} filter;

static void emit(filter *to, uint32_t operation, uint32_t value, size_t if_true, size_t if_false) {
    struct sock_filter line = {(uint16_t)operation, (uint8_t)if_true, (uint8_t)if_false, value};
    to->code[to->length++] = line;
}

static void load(filter *to, size_t offset) { emit(to, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0); }
static void load_call(filter *to) { load(to, offsetof(struct seccomp_data, nr)); }
/* The lower half: none of the arguments that are looked at is wider, and both processors are little-endian. */
static void load_argument(filter *to, int32_t number) {
    load(to, offsetof(struct seccomp_data, args) + 8 * (size_t)number);
}
static void answer(filter *to, uint32_t action) { emit(to, BPF_RET | BPF_K, action, 0, 0); }
static void refuse(filter *to, uint32_t error) { answer(to, SECCOMP_RET_ERRNO | error); }
static void skip_unless(filter *to, uint32_t value, size_t lines) { emit(to, BPF_JMP | BPF_JEQ | BPF_K, value, 0, lines); }

static void add_rule(filter *to, const rule *added) {
    if (added->argument == NO_ARGUMENT) {
        skip_unless(to, added->call, 1);
        refuse(to, added->error);
        return;
    }
    skip_unless(to, added->call, 5);
    load_argument(to, added->argument);
    emit(to, BPF_ALU | BPF_AND | BPF_K, added->mask, 0, 0);
    emit(to, BPF_JMP | BPF_JEQ | BPF_K, added->value, added->unless ? 1 : 0, added->unless ? 0 : 1);
    refuse(to, added->error);
    load_call(to);
}

/* Refuses a call whose argument is none of `count` values. */
static void add_choice(filter *to, uint32_t call, int32_t argument, const uint32_t *values, size_t count) {
    skip_unless(to, call, count + 3);
    load_argument(to, argument);
    for (size_t i = 0; i < count; i++) emit(to, BPF_JMP | BPF_JEQ | BPF_K, values[i], count - i, 0);
    refuse(to, EPERM);
    load_call(to);
}

/* Calls that limit or slow down a process, and the argument that names it. A thread other than the first has to name itself
 * as 0: by their numbers, this process's threads look like other processes. Hence not sched_setaffinity: OpenMP binds the
 * threads that it starts (OMP_PROC_BIND) by their numbers. */
static const struct {
    uint32_t call;
    int32_t argument;
} STEERING[] = {
    {__NR_prlimit64, 0},          {__NR_sched_setattr, 0}, {__NR_sched_setparam, 0},
    {__NR_sched_setscheduler, 0}, {__NR_setpriority, 1},   {__NR_ioprio_set, 1},
};

/* Calls that name a process may name this one, and its group where it leads it. */
static void add_own_process(filter *to, uint32_t controls) {
    uint32_t own = (uint32_t)getpid();
    const uint32_t killed[] = {own, 0, 0u - own};
    const uint32_t steered[] = {0, own};
    for (size_t i = 0; i < sizeof STEERING / sizeof *STEERING && (controls & PEERS); i++)
        add_choice(to, STEERING[i].call, STEERING[i].argument, steered, 2);
    if (!(controls & SIGNALS)) return;
    add_choice(to, __NR_kill, 0, killed, getpgrp() == getpid() ? 3 : 1);
    add_choice(to, __NR_tgkill, 0, killed, 1);
    add_choice(to, __NR_rt_sigqueueinfo, 0, killed, 1);
    add_choice(to, __NR_rt_tgsigqueueinfo, 0, killed, 1);
}

/* The numbers of another machine's calls mean other things: a program of such a kind ends with SIGSYS. */
static void begin(filter *to, uint32_t controls) {
    load(to, offsetof(struct seccomp_data, arch));
    emit(to, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    answer(to, SECCOMP_RET_KILL_PROCESS);
    load_call(to);
    uint32_t unknown = (controls & (FILESYSTEM | NETWORK | PROCESSES | PEERS)) ? NEWEST_CALL + 1 : X32_CALLS;
    emit(to, BPF_JMP | BPF_JGE | BPF_K, unknown, 0, 1);
    refuse(to, ENOSYS);
}

static uint32_t wanted_controls(const hp_policy *policy, int32_t landlock) {
    uint32_t controls = 0;
    for (int control = 0; control < HP_CONTROLS; control++)
        if (hp_wanted(policy, (hp_control)control)) controls |= BIT(control);
    if ((controls & FILESYSTEM) && landlock < 3) controls |= TRUNCATION;
    /* Where processes are allowed, a cell may signal its children, whose numbers nobody knows yet. */
    if ((controls & PEERS) && (controls & PROCESSES) && landlock < 6) controls |= SIGNALS;
    return controls;
}

hp_reason hp_seccomp_apply(const hp_policy *policy, int32_t landlock) {
    uint32_t controls = wanted_controls(policy, landlock);
    filter program;
    program.length = 0;
    begin(&program, controls);
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if ((RULES[i].controls & controls) && RULES[i].call != NO_SUCH_CALL) add_rule(&program, &RULES[i]);
    add_own_process(&program, controls);
    answer(&program, SECCOMP_RET_ALLOW);
    struct sock_fprog attached = {program.length, program.code};
    hp_reason reason = {HP_WHY_NONE, 0};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &attached, 0, 0) != 0) {
        reason.why = HP_WHY_SYSTEM;
        reason.detail = errno;
    }
    return reason;
}

#else

hp_reason hp_seccomp_apply(const hp_policy *policy, int32_t landlock) {
    (void)policy, (void)landlock;
    hp_reason reason = {HP_WHY_MACHINE, 0};
    return reason;
}

#endif

#else
typedef int hp_seccomp_is_for_linux;
#endif
