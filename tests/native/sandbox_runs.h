/* sandbox_runs.h (Linux): tries something in a child, with a policy or without one. */
#ifndef HOTPLATE_TESTS_SANDBOX_RUNS_H
#define HOTPLATE_TESTS_SANDBOX_RUNS_H

#include "sandbox_attempts.h"
#include "worker/sandbox.h"

/* Puts a policy in force in a child, then tries; returns the child. */
static inline pid_t start(attempt *try, const hp_policy *policy) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0) return child;
    hp_enforced enforced;
    if (policy != NULL && hp_sandbox_apply(policy, &enforced) != 0) _exit(255);
    _exit(try());
}

/* 0 or an errno; 1000 + a signal; 255: the policy could not be put in force. */
static inline int finish(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline hp_policy nothing(void) {
    hp_policy policy;
    memset(&policy, 0, sizeof policy);
    policy.size = (uint32_t)offsetof(hp_policy, paths);
    return policy;
}

static inline hp_policy only(hp_control control) {
    hp_policy policy = nothing();
    policy.level[control] = HP_REQUIRE;
    policy.memory_bytes = 64 * MIB;
    policy.cpu_seconds = 1;
    policy.file_bytes = MIB;
    return policy;
}

static inline void add_path(hp_policy *policy, const char *path, uint32_t *size) {
    size_t length = strlen(path) + 1;
    memcpy(policy->paths + policy->readable_size + policy->writable_size, path, length);
    *size += (uint32_t)length;
}

/* Whether this machine can enforce a control; says so when it can't, so that a silent pass is not taken for a proof. */
static inline int available(const hp_policy *policy) {
    hp_enforced enforced;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(hp_sandbox_apply(policy, &enforced));
    int refused = finish(child);
    if (refused != 0) printf("skipped: %s can't be enforced here\n", hp_control_name(refused - 1));
    return refused == 0;
}

static inline void check(const char *name, attempt *try, const hp_policy *policy, int expected) {
    if (policy == NULL || available(policy)) {
        int seen = finish(start(try, policy));
        if (seen != expected) fprintf(stderr, "%s: expected %d, saw %d\n", name, expected, seen);
        CHECK(seen == expected);
    }
}

#define REFUSED(try, policy, error)        \
    do {                                   \
        check(#try, try, NULL, 0);         \
        check(#try, try, &(policy), error); \
    } while (0)
#define WORKS(try, policy) REFUSED(try, policy, 0)

#endif
