/* limits.c (Linux): resource limits, and rights that are given up. */
#if defined(__linux__)
#define _GNU_SOURCE
#include "worker/sandbox_parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static hp_reason outcome(int failed) {
    hp_reason reason = {failed ? HP_WHY_SYSTEM : HP_WHY_NONE, failed ? errno : 0};
    return reason;
}

/* Soft and hard together, never above what is there already. */
static hp_reason limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit now;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &now) != 0) return outcome(1);
    struct rlimit wanted = {(rlim_t)soft, (rlim_t)hard};
    if (wanted.rlim_max > now.rlim_max) wanted.rlim_max = now.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
    return outcome(syscall(SYS_prlimit64, 0, resource, &wanted, NULL) != 0);
}

/* The stack of the main thread is not data, and grows as far as a cell raises its own limit. */
static hp_reason limit_memory(uint64_t bytes) {
    struct rlimit stack;
    if (syscall(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &stack) != 0) return outcome(1);
    if (stack.rlim_cur > bytes) stack.rlim_cur = (rlim_t)bytes;
    const hp_reason reason = limit(RLIMIT_STACK, stack.rlim_cur, stack.rlim_cur);
    return reason.why != HP_WHY_NONE ? reason : limit(RLIMIT_DATA, bytes, bytes);
}

hp_reason hp_limit_apply(const hp_policy *policy, hp_control control) {
    switch (control) {
        /* RLIMIT_DATA counts private writable pages, RLIMIT_AS every mapping: arenas are large, shared and sparse, and
         * libraries share their text. */
        case HP_CONTROL_MEMORY: return limit_memory(policy->memory_bytes);
        /* A cell may catch SIGXCPU; a second later comes SIGKILL. The largest number is no limit, and has no successor. */
        case HP_CONTROL_CPU:
            return limit(RLIMIT_CPU, policy->cpu_seconds, policy->cpu_seconds + (policy->cpu_seconds < UINT64_MAX));
        case HP_CONTROL_FILE_SIZE:
            /* The write that is too long then fails with EFBIG, where the signal would end the worker. */
            if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR) return outcome(1);
            return limit(RLIMIT_FSIZE, policy->file_bytes, policy->file_bytes);
        /* 0 would not keep the kernel from starting a program that core_pattern names; 1 does, and is too short for
         * any core file (core(5)). */
        case HP_CONTROL_CORE_DUMPS: return limit(RLIMIT_CORE, 1, 1);
        default: return outcome(0);
    }
}

hp_reason hp_privileges_freeze(void) { return outcome(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0); }

/* With no_new_privs, root's programs get no more back than this process has (capabilities(7)). */
hp_reason hp_privileges_drop(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};
    return outcome(syscall(SYS_capset, &header, none) != 0);
}

#else
typedef int hp_limits_are_for_linux;
#endif
