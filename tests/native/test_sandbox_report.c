/* test_sandbox_report.c: what is told of a policy: as a message, on kernels that can't enforce it, and afterwards. */
#if defined(__linux__)
#define _GNU_SOURCE
#include "sandbox_runs.h"
#include "worker/sandbox_parts.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

/* Stands for a kernel without Landlock: the filter alone is put in force. */
static int filtered(attempt *try, const hp_policy *policy) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        hp_reason reason = hp_seccomp_apply(policy, 0);
        _exit(reason.why != HP_WHY_NONE ? 255 : try());
    }
    return finish(child);
}

static void test_what_seccomp_does_for_old_landlock(void) {
    hp_policy policy = only(HP_CONTROL_FILESYSTEM);
    CHECK(filtered(truncates_a_file, &policy) == EACCES);
    CHECK(filtered(truncates_by_opening, &policy) == EACCES);
    CHECK(filtered(truncates_by_opening_for_nothing, &policy) == EACCES);
    CHECK(filtered(reads_a_file, &policy) == 0);
    policy = only(HP_CONTROL_PEERS);
    CHECK(filtered(signals_the_parent, &policy) == 0);
    policy.level[HP_CONTROL_PROCESSES] = HP_REQUIRE;
    CHECK(filtered(signals_the_parent, &policy) == EPERM);
    CHECK(filtered(signals_a_thread_of_the_parent, &policy) == EPERM);
    CHECK(filtered(signals_by_owning_a_file, &policy) == EPERM);
    CHECK(filtered(signals_itself, &policy) == 0);
}

static void test_what_is_told(void) {
    hp_policy policy = only(HP_CONTROL_NETWORK);
    policy.level[HP_CONTROL_FILESYSTEM] = HP_PREFER;
    add_path(&policy, "/not/there", &policy.readable_size);
    if (!available(&policy)) return;
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    hp_enforced enforced;
    if (child == 0) {
        hp_sandbox_apply(&policy, &enforced);
        _exit(write(ends[1], &enforced, sizeof enforced) != sizeof enforced);
    }
    CHECK(finish(child) == 0);
    CHECK(read(ends[0], &enforced, sizeof enforced) == sizeof enforced);
    CHECK(enforced.size == sizeof enforced && enforced.refused == 0);
    CHECK(enforced.control[HP_CONTROL_NETWORK].state == HP_ENFORCED);
    CHECK(enforced.control[HP_CONTROL_NETWORK].by & HP_BY_SECCOMP);
    CHECK(enforced.control[HP_CONTROL_PROCESSES].state == HP_OPEN);
    if (enforced.landlock > 0) CHECK(enforced.paths_missing == 1);
    close(ends[0]);
    close(ends[1]);
}

/* Makes this process one of a machine without seccomp: a filter that refuses any other. */
static int forbid_filters(void) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof lines / sizeof *lines, lines};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

static int is_refused_without_seccomp(void) {
    hp_policy policy = nothing();
    hp_enforced enforced;
    for (int level = HP_REQUIRE; level >= HP_ALLOW; level--) {
        policy.level[HP_CONTROL_NETWORK] = (uint32_t)level;
        int32_t expected = level == HP_REQUIRE ? 1 + HP_CONTROL_NETWORK : 0;
        if (hp_sandbox_apply(&policy, &enforced) != expected) return 1 + level;
        const hp_enforcement *entry = &enforced.control[HP_CONTROL_NETWORK];
        if (level == HP_ALLOW ? entry->state != HP_OPEN : entry->state == HP_ENFORCED) return 11 + level;
        if (level != HP_ALLOW && (entry->why != HP_WHY_SYSTEM || entry->detail != EPERM)) return 21 + level;
    }
    return 0;
}

static void test_what_is_required_and_missing(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) _exit(forbid_filters() != 0 ? 255 : is_refused_without_seccomp());
    CHECK(finish(child) == 0);
}

static void test_messages(void) {
    hp_policy policy = only(HP_CONTROL_FILESYSTEM), copy;
    add_path(&policy, "/a", &policy.readable_size);
    add_path(&policy, "/b", &policy.writable_size);
    const size_t size = offsetof(hp_policy, paths) + 6;
    CHECK(hp_policy_read(&copy, &policy, size) == 0);
    CHECK(memcmp(&copy, &policy, size) == 0);
    CHECK(hp_policy_read(&copy, &policy, size - 1) == EINVAL);
    CHECK(hp_policy_read(&copy, &policy, size + 1) == EINVAL);
    CHECK(hp_policy_read(&copy, &policy, 0) == EINVAL);
    CHECK(hp_policy_read(&copy, &policy, sizeof policy + 1) == EINVAL);
#define SPOILED(change)                                              \
    do {                                                             \
        hp_policy spoiled = policy;                                  \
        change;                                                      \
        CHECK(hp_policy_read(&copy, &spoiled, size) == EINVAL);      \
        hp_enforced enforced;                                        \
        CHECK(hp_sandbox_apply(&spoiled, &enforced) == -1);          \
    } while (0)
    SPOILED(spoiled.size++);
    SPOILED(spoiled.level[HP_CONTROL_CPU] = HP_REQUIRE + 1);
    SPOILED(spoiled.readable_size = HP_POLICY_PATHS + 1);
    SPOILED(spoiled.readable_size = UINT32_MAX; spoiled.writable_size = 7);
    SPOILED(spoiled.paths[0] = 'a');
    SPOILED(spoiled.paths[2] = 'x');
    SPOILED(spoiled.paths[5] = 'x');
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    set_scene();
    test_messages();
    test_what_seccomp_does_for_old_landlock();
    test_what_is_told();
    test_what_is_required_and_missing();
    clear_scene();
    return 0;
}

#else

int main(void) { return 0; }

#endif
