/* The worker's crash record beside others: threads, children, handlers, locks and libraries. */
#define _GNU_SOURCE
#if defined(__linux__)

#include "crashes.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>

/* ---- threads, children, handlers of others ---- */

static int hold_the_lock(struct dl_phdr_info *library, size_t size, void *data) {
    (void)library, (void)size;
    __atomic_store_n((int *)data, 1, __ATOMIC_RELEASE);
    return pause();
}

static void *look_at_libraries_for_good(void *held) {
    dl_iterate_phdr(hold_the_lock, held);
    return NULL;
}

static void crash_while_the_loader_is_locked(void) {
    int held = 0;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, look_at_libraries_for_good, &held) == 0);
    while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE)) sched_yield();
    read_badly();
}

/* ThreadSanitizer holds the alarm back until the handler is done. */
static void a_handler_that_waits_for_good_is_ended_by_an_alarm(void) {
#if !defined(UNDER_TSAN)
    const int status = status_of(crash_while_the_loader_is_locked);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(record->filled == HP_CRASH_BASICS && is_near(record->pc, code_of(read_badly)));
#else
    (void)crash_while_the_loader_is_locked;
#endif
}

static void *crash_here(void *unused) {
    read_badly();
    return unused;
}

static void crash_in_a_thread(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, crash_here, NULL) == 0);
    pthread_join(thread, NULL);
}

static void a_crash_in_another_thread_says_so(void) {
    const int status = status_of(crash_in_a_thread);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && record->filled == HP_CRASH_COMPLETE);
    CHECK(record->main_thread == 0 && record->stack_low == 0 && record->stack_high == 0);
    CHECK(is_near(record->pc, code_of(read_badly)));
}

static void crash_in_threads(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, crash_here, NULL) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static void threads_that_crash_together_leave_one_record(void) {
    const int status = status_of(crash_in_threads);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && record->filled == HP_CRASH_COMPLETE);
    CHECK(is_near(record->frames[0], code_of(read_badly)));
}

static void crash_in_a_child(void) {
    const pid_t child = fork();
    if (child == 0) read_badly();
    const int status = wait_for(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void a_child_of_the_cell_leaves_no_record(void) {
    CHECK(status_of(crash_in_a_child) == 0);
    CHECK(record->filled == HP_CRASH_EMPTY && record->signal == 0);
}

static void leave_by_own_handler(int number) { _exit(number == SIGSEGV ? 42 : 1); }

static void crash_with_own_handler(void) {
    signal(SIGSEGV, leave_by_own_handler);
    read_badly();
}

static void a_handler_that_a_cell_installs_is_the_one_that_runs(void) {
    const int status = status_of(crash_with_own_handler);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42 && record->filled == HP_CRASH_EMPTY);
}

static void a_handler_that_was_there_stays(void) {
    signal(SIGSEGV, leave_by_own_handler);
    const int status = status_of(read_badly);
    signal(SIGSEGV, SIG_DFL);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42 && record->filled == HP_CRASH_EMPTY);
}

static void leave(void) { _exit(3); }

static void leaving_writes_nothing(void) {
    const int status = status_of(leave);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3 && record->filled == HP_CRASH_EMPTY);
}

/* ---- modules ---- */

static int has_other(const char *part) {
    for (int i = 0; i < HP_CRASH_OTHERS; i++)
        if (record->others[i].where.size != 0 && strstr(record->others[i].name, part) != NULL) return 1;
    return 0;
}

/* The sanitizers have no `lfind` of their own. */
static void abort_in_a_noted_library(void) {
    hp_crash_module_at(record, 7, dlsym(RTLD_DEFAULT, "lfind"));
    abort();
}

static void libraries_of_the_frames_are_named(void) {
    expect_death(abort, SIGABRT);
    CHECK(has_other("libc.so") || has_other("libc.musl"));
    expect_death(abort_in_a_noted_library, SIGABRT);
    CHECK(record->modules[7].size > 0 && record->frames[0] - record->modules[7].base < record->modules[7].size);
    CHECK(!has_other("libc.so"));
}

static void an_address_outside_of_libraries_is_refused(void) {
    const char on_the_stack = 0;
    CHECK(hp_crash_module_at(record, 0, &on_the_stack) == -1);
}

static void slots_are_checked(void) {
    hp_crash copy = {0};
    hp_crash_module(&copy, -1, 1, 1);
    hp_crash_module(&copy, HP_CRASH_MODULES, 1, 1);
    hp_crash_module(&copy, HP_CRASH_MODULES - 1, 4096, 8192);
    CHECK(copy.modules[63].base == 4096 && copy.modules[63].size == 8192);
    memset(&copy.modules[63], 0, sizeof copy.modules[63]);
    const hp_crash empty = {0};
    CHECK(memcmp(&copy, &empty, sizeof copy) == 0);
}

int main(void) {
    make_record();
    a_handler_that_waits_for_good_is_ended_by_an_alarm();
    a_crash_in_another_thread_says_so();
    threads_that_crash_together_leave_one_record();
    a_child_of_the_cell_leaves_no_record();
    a_handler_that_a_cell_installs_is_the_one_that_runs();
    a_handler_that_was_there_stays();
    leaving_writes_nothing();
    libraries_of_the_frames_are_named();
    an_address_outside_of_libraries_is_refused();
    slots_are_checked();
    return 0;
}

#else

int main(void) { return 0; }

#endif
