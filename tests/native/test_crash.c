/* The worker's crash record: children that die in each way, read by the process that outlives them. */
#define _GNU_SOURCE
#include "check.h"
#include "worker/crash.h"

#if defined(__linux__)

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

static int wait_for(pid_t child) {
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
static int status_of(void (*body)(void)) {
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

static void expect_death(void (*body)(void), int number) {
    const int status = status_of(body);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == number);
    CHECK(record->filled == HP_CRASH_COMPLETE);
    CHECK(record->signal == number && record->main_thread == 1);
    CHECK(record->frame_count >= 1 && record->frame_count <= HP_CRASH_FRAMES && record->frames[0] == record->pc);
    CHECK(record->sp > record->stack_low - (1 << 20) && record->sp < record->stack_high);
}

static int is_near(uint64_t address, const void *function) { return address - (uintptr_t)function < 256; }

/* Whether the calls lead back to `call`. */
static int is_called_from_here(void) {
    for (int i = 1; i < record->frame_count; i++)
        if (is_near(record->frames[i], (const void *)(uintptr_t)call)) return 1;
    return 0;
}

static const void *code_of(void (*function)(void)) { return (const void *)(uintptr_t)function; }

/* ---- one way each ---- */

UNCHECKED static void read_badly(void) { zero = *(volatile int *)bad_address; }
UNCHECKED static void write_badly(void) { *(volatile int *)bad_address = 1; }
UNCHECKED static void call_badly(void) {
    ((void (*)(void))bad_address)();
    zero = 0;
}
UNCHECKED static void stop_at_a_trap(void) { __builtin_trap(); }
static void send_itself_a_fault(void) { raise(SIGSEGV); }

static void a_read_leaves_address_and_place(void) {
    expect_death(read_badly, SIGSEGV);
    CHECK(record->address == bad_address && record->code == SEGV_MAPERR && record->sender == 0);
    CHECK(is_near(record->pc, code_of(read_badly)));
    CHECK(record->system_call == -1);
#if defined(__x86_64__)
    CHECK(record->access == HP_ACCESS_READ);
#endif
}

static void a_write_is_told_from_a_read(void) {
    expect_death(write_badly, SIGSEGV);
    CHECK(record->address == bad_address && is_near(record->pc, code_of(write_badly)));
#if defined(__x86_64__)
    CHECK(record->access == HP_ACCESS_WRITE);
#endif
}

static void a_bad_call_leaves_its_caller(void) {
    expect_death(call_badly, SIGSEGV);
    CHECK(record->access == HP_ACCESS_EXECUTE && record->pc == bad_address);
    CHECK(record->frame_count >= 3 && is_near(record->frames[1], code_of(call_badly)));
    CHECK(is_called_from_here());
}

static void an_abort_leaves_the_calls_to_it(void) {
    expect_death(abort, SIGABRT);
    CHECK(record->sender > 0 && record->address == 0);
    CHECK(is_called_from_here());
}

static void a_signal_that_was_sent_names_the_sender(void) {
    expect_death(send_itself_a_fault, SIGSEGV);
    CHECK(record->sender > 0 && record->sender != getpid());
    CHECK(record->address == 0 && record->access == HP_ACCESS_UNKNOWN);
}

#if defined(__x86_64__)
UNCHECKED static void divide_by_zero(void) { __asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : : "eax", "ecx", "edx", "cc"); }
UNCHECKED static void run_no_instruction(void) { __asm__ volatile("ud2"); }
UNCHECKED static void hit_a_breakpoint(void) { __asm__ volatile("int3"); }

static void faults_of_the_processor_have_their_signals(void) {
    expect_death(divide_by_zero, SIGFPE);
    CHECK(record->code == FPE_INTDIV && is_near(record->address, code_of(divide_by_zero)));
    expect_death(run_no_instruction, SIGILL);
    CHECK(is_near(record->pc, code_of(run_no_instruction)));
    expect_death(hit_a_breakpoint, SIGTRAP);
}
#else
static void faults_of_the_processor_have_their_signals(void) {}
#endif

static void a_trap_of_the_compiler_is_caught(void) {
    const int status = status_of(stop_at_a_trap);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == record->signal && record->filled == HP_CRASH_COMPLETE);
}

static void read_past_a_file(void) {
    const int file = memfd_create("empty", 0);
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    zero = page[0];
}

static void a_mapping_without_a_file_is_a_bus_error(void) {
    expect_death(read_past_a_file, SIGBUS);
    CHECK(record->code == BUS_ADRERR && record->address % 4096 == 0);
}

/* ---- the stack ---- */

UNCHECKED static int recurse(int depth) {
    volatile char block[512];
    block[0] = (char)depth;
    return bad_address == 0 ? 0 : recurse(depth + 1) + block[0];
}

UNCHECKED static void overflow(void) { zero = recurse(zero); }

static void a_stack_overflow_is_caught_on_a_stack_of_its_own(void) {
    expect_death(overflow, SIGSEGV);
    CHECK(record->address - record->sp + 4096 < 8192);
    CHECK(record->sp < record->stack_low + (1 << 20));
    CHECK(record->frame_count == HP_CRASH_FRAMES && is_near(record->frames[31], (const void *)(uintptr_t)recurse));
}

/* The saved stack pointer leads nowhere, so what follows the basics faults. */
UNCHECKED static void lose_the_stack(void) {
#if defined(__x86_64__)
    __asm__ volatile("mov $0x1000, %%rsp\n\tmov $0x1000, %%rbp\n\tjmp *%0" : : "r"((uintptr_t)0x20) : "memory");
#endif
}

static void a_fault_within_the_handler_keeps_the_basics(void) {
#if defined(__x86_64__)
    const int status = status_of(lose_the_stack);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(record->filled == HP_CRASH_BASICS);
    CHECK(record->pc == 0x20 && record->sp == 0x1000 && record->frame_count == 1);
#endif
}

#if defined(__x86_64__) && !defined(UNDER_TSAN)
UNCHECKED static void divide_without_a_stack(void) {
    __asm__ volatile("mov $0x1000, %%rsp\n\tmov $0x1000, %%rbp\n\txor %%ecx, %%ecx\n\tdiv %%ecx"
                     : : : "eax", "ecx", "edx", "cc", "memory");
}
#endif

/* ThreadSanitizer wraps what the handler calls, and faults itself when the stack is gone. */
static void a_fault_within_the_handler_leaves_the_first_signal(void) {
#if defined(__x86_64__) && !defined(UNDER_TSAN)
    const int status = status_of(divide_without_a_stack);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGFPE);
    CHECK(record->signal == SIGFPE && record->sp == 0x1000 && record->filled >= HP_CRASH_BASICS);
#endif
}

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

/* ---- threads, children, handlers of others ---- */

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
    record = mmap(NULL, sizeof *record, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(record != MAP_FAILED);
    a_read_leaves_address_and_place();
    a_write_is_told_from_a_read();
    a_bad_call_leaves_its_caller();
    an_abort_leaves_the_calls_to_it();
    a_signal_that_was_sent_names_the_sender();
    faults_of_the_processor_have_their_signals();
    a_trap_of_the_compiler_is_caught();
    a_mapping_without_a_file_is_a_bus_error();
    a_stack_overflow_is_caught_on_a_stack_of_its_own();
    a_fault_within_the_handler_keeps_the_basics();
    a_fault_within_the_handler_leaves_the_first_signal();
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

#include <errno.h>

int main(void) {
    hp_crash record;
    CHECK(hp_crash_arm(&record) == -1 && errno == ENOTSUP);
    return 0;
}

#endif
