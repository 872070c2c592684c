/* crashes.h: children that die, and the record that they leave to the test. Linux only. */
#ifndef HOTPLATE_TESTS_CRASHES_H
#define HOTPLATE_TESTS_CRASHES_H

#include "check.h"
#include "worker/crash.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers' own handlers would stay, for hp_crash_arm leaves handlers alone. Without them the crashes are ours. */
#define NO_HANDLERS "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:handle_sigtrap=0"
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return NO_HANDLERS ":use_sigaltstack=0"; }
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return NO_HANDLERS ":use_sigaltstack=0"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return NO_HANDLERS; }

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif
#define UNCHECKED __attribute__((noinline, no_sanitize("undefined"), no_sanitize("address"), no_sanitize("thread")))

static hp_crash *record; /* shared with the children */
static volatile uintptr_t bad_address = 0x10;
static volatile int zero;

static inline int wait_for(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

/* The last frame that every crash has in common. */
UNCHECKED static void call(void (*body)(void)) {
    body();
    zero = 0;
}

/* The wait status of a child that arms itself and then calls `body`. */
static inline int status_of(void (*body)(void)) {
    const struct rlimit no_core = {0, 0};
    memset(record, 0xff, sizeof *record);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
        CHECK(hp_crash_arm(record) == 0);
        CHECK(record->filled == HP_CRASH_EMPTY && record->frame_count == 0);
        call(body);
        _exit(0);
    }
    return wait_for(child);
}

static inline void expect_death(void (*body)(void), int number) {
    const int status = status_of(body);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
    CHECK(record->filled == HP_CRASH_COMPLETE);
    CHECK(record->signal == number && record->main_thread == 1);
    CHECK(record->frame_count >= 1 && record->frame_count <= HP_CRASH_FRAMES && record->frames[0] == record->pc);
    CHECK(record->sp > record->stack_low - (1 << 20) && record->sp < record->stack_high);
}

static inline int is_near(uint64_t address, const void *function) { return address - (uintptr_t)function < 256; }

/* Whether the calls lead back to `call`. */
static inline int is_called_from_here(void) {
    for (int i = 1; i < record->frame_count; i++)
        if (is_near(record->frames[i], (const void *)(uintptr_t)call)) return 1;
    return 0;
}

static inline const void *code_of(void (*function)(void)) { return (const void *)(uintptr_t)function; }

static inline void make_record(void) {
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(record != MAP_FAILED);
}

UNCHECKED static void read_badly(void) { zero = *(volatile int *)bad_address; }

#endif
