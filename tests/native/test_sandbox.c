/* test_sandbox.c: each thing that a policy refuses is tried in a child, without the sandbox and with it. */
#if defined(__linux__)
#define _GNU_SOURCE
#include "sandbox_runs.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void test_files(void) {
    hp_policy policy = only(HP_CONTROL_FILESYSTEM);
    add_path(&policy, plugin, &policy.readable_size);
    add_path(&policy, "/not/there", &policy.readable_size);
    add_path(&policy, listed, &policy.writable_size);
    REFUSED(reads_a_file, policy, EACCES);
    REFUSED(lists_a_folder, policy, EACCES);
    REFUSED(writes_a_file, policy, EACCES);
    REFUSED(creates_a_file, policy, EACCES);
    REFUSED(truncates_a_file, policy, EACCES);
    REFUSED(truncates_by_opening, policy, EACCES);
    REFUSED(truncates_by_opening_for_nothing, policy, EACCES);
    REFUSED(changes_a_mode, policy, EPERM);
    REFUSED(changes_times, policy, EPERM);
    REFUSED(opens_another_library, policy, EACCES);
    CHECK(unlink(output) == 0);
    REFUSED(renames_a_file, policy, EACCES);
    WORKS(reads_a_listed_file, policy);
    WORKS(writes_a_listed_file, policy);
    WORKS(opens_a_listed_library, policy);
    WORKS(opens_a_library_of_the_system, policy);
}

static void test_network(void) {
    hp_policy policy = only(HP_CONTROL_NETWORK);
    REFUSED(connects, policy, EACCES);
    REFUSED(connects_locally, policy, EACCES);
    REFUSED(opens_a_datagram_socket, policy, EACCES);
    REFUSED(opens_a_netlink_socket, policy, EACCES);
    REFUSED(opens_a_pair_of_datagram_sockets, policy, EACCES);
    WORKS(uses_a_pair_of_sockets, policy);
}

static void test_processes(void) {
    hp_policy policy = only(HP_CONTROL_PROCESSES);
    REFUSED(forks, policy, EPERM);
    REFUSED(forks_by_number, policy, EPERM);
    REFUSED(runs_a_program, policy, EPERM);
    WORKS(starts_a_thread, policy);
}

static void test_peers(void) {
    hp_policy policy = only(HP_CONTROL_PEERS);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    REFUSED(signals_the_parent, policy, EPERM);
    REFUSED(signals_a_thread_of_the_parent, policy, EPERM);
    REFUSED(traces_the_parent, policy, EPERM);
    REFUSED(opens_the_memory_of_the_parent, policy, EACCES);
    REFUSED(limits_the_parent, policy, EPERM);
    REFUSED(renices_the_parent, policy, EPERM);
    REFUSED(renices_its_user, policy, EPERM);
    REFUSED(schedules_the_parent, policy, EPERM);
    REFUSED(puts_off_what_the_parent_reads, policy, EPERM);
    REFUSED(shares_memory_by_key, policy, EACCES);
    REFUSED(types_into_the_terminal, policy, EPERM);
    WORKS(signals_itself, policy);
    WORKS(renices_itself, policy);
    WORKS(starts_a_thread_on_a_processor, policy);
    WORKS(forks, policy);
}

static void test_memory(void) {
    if (SANITIZED) {
        printf("skipped: memory, for the shadow of a sanitizer is larger than any limit\n");
        return;
    }
    hp_policy policy = only(HP_CONTROL_MEMORY);
    REFUSED(allocates_without_end, policy, ENOMEM);
    REFUSED(maps_shared_memory, policy, ENOMEM);
    REFUSED(maps_a_growing_stack, policy, ENOMEM);
    struct rlimit stack;
    CHECK(getrlimit(RLIMIT_STACK, &stack) == 0);
    if (stack.rlim_max == RLIM_INFINITY) REFUSED(makes_room_for_a_larger_stack, policy, EINVAL);
    REFUSED(makes_a_file_in_memory, policy, ENOMEM);
    WORKS(allocates_and_prints, policy);
    WORKS(maps_a_shared_arena, policy);
    WORKS(starts_a_thread, policy);
}

static void test_time(void) {
    hp_policy policy = only(HP_CONTROL_CPU);
    pid_t free_child = start(burns_time, NULL), limited_child = start(burns_time, &policy);
    CHECK(finish(free_child) == 0);
    CHECK(finish(limited_child) == 1000 + SIGXCPU);
    policy.cpu_seconds = UINT64_MAX;
    WORKS(is_given_time, policy);
}

static void test_file_sizes(void) {
    hp_policy policy = only(HP_CONTROL_FILE_SIZE);
    REFUSED(writes_a_huge_file, policy, EFBIG);
    CHECK(unlink(output) == 0);
}

static void test_core_dumps(void) {
    hp_policy policy = only(HP_CONTROL_CORE_DUMPS);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0);
    if (limit.rlim_max > 1) check("would_dump_core", would_dump_core, NULL, 0);
    check("would_dump_core", would_dump_core, &policy, EFBIG);
}

static void test_groups(void) {
    hp_policy policy = nothing();
    REFUSED(leaves_the_session, policy, EPERM);
    REFUSED(leaves_the_group, policy, EPERM);
    WORKS(reads_a_file, policy);
    WORKS(connects, policy);
    WORKS(forks, policy);
    WORKS(runs_a_program, policy);
    WORKS(signals_the_parent, policy);
    WORKS(starts_a_thread, policy);
}

#if defined(__x86_64__) && !defined(__ILP32__)
/* The same calls by the numbers of other machines, which the kernel may know too. */
static int leaves_by_an_x32_call(void) { return TRY(syscall(0x40000000 | SYS_setsid)); }
static int leaves_by_an_i386_call(void) {
    long result = 66; /* setsid there */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    return result < 0 ? (int)-result : 0;
}
static void test_other_machines(void) {
    hp_policy policy = nothing();
    check("leaves_by_an_x32_call", leaves_by_an_x32_call, &policy, ENOSYS);
    check("leaves_by_an_i386_call", leaves_by_an_i386_call, &policy, 1000 + SIGSYS);
}
#else
static void test_other_machines(void) {}
#endif

static void test_privileges(void) {
    hp_policy policy = only(HP_CONTROL_FILE_SIZE), least = nothing();
    if (has_capabilities() == 0) WORKS(has_capabilities, least);
    check("has_capabilities", has_capabilities, &policy, EPERM);
}

/* Everything at once, as for a notebook from a stranger. */
static void test_all_together(void) {
    hp_policy policy = only(HP_CONTROL_GROUP);
    for (int control = 0; control < HP_CONTROLS; control++) policy.level[control] = HP_REQUIRE;
    policy.cpu_seconds = 60;
    if (SANITIZED) policy.level[HP_CONTROL_MEMORY] = HP_ALLOW;
    add_path(&policy, plugin, &policy.readable_size);
    REFUSED(reads_a_file, policy, EACCES);
    REFUSED(connects, policy, EACCES);
    REFUSED(forks, policy, EPERM);
    REFUSED(signals_the_parent, policy, EPERM);
    REFUSED(leaves_the_session, policy, EPERM);
    WORKS(starts_a_thread, policy);
    WORKS(allocates_and_prints, policy);
    WORKS(opens_a_listed_library, policy);
    WORKS(signals_itself, policy);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    set_scene();
    test_files();
    test_network();
    test_processes();
    test_peers();
    test_memory();
    test_time();
    test_file_sizes();
    test_core_dumps();
    test_groups();
    test_other_machines();
    test_privileges();
    test_all_together();
    clear_scene();
    return 0;
}

#else

int main(void) { return 0; }

#endif
