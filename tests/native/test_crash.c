/* The worker's crash record: what each way to die leaves. */
#define _GNU_SOURCE
#if defined(__linux__)

#include "crashes.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* ---- one way each ---- */

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

/* ---- a sandbox ---- */

static void call_what_is_refused(void) {
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof lines / sizeof lines[0], lines};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0);
    zero = (int)syscall(SYS_getppid);
}

static void a_system_call_that_a_sandbox_refuses_is_named(void) {
    expect_death(call_what_is_refused, SIGSYS);
    CHECK(record->system_call == SYS_getppid && record->sender == 0);
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

int main(void) {
    make_record();
    a_read_leaves_address_and_place();
    a_write_is_told_from_a_read();
    a_bad_call_leaves_its_caller();
    an_abort_leaves_the_calls_to_it();
    a_signal_that_was_sent_names_the_sender();
    faults_of_the_processor_have_their_signals();
    a_trap_of_the_compiler_is_caught();
    a_mapping_without_a_file_is_a_bus_error();
    a_system_call_that_a_sandbox_refuses_is_named();
    a_stack_overflow_is_caught_on_a_stack_of_its_own();
    a_fault_within_the_handler_keeps_the_basics();
    a_fault_within_the_handler_leaves_the_first_signal();
    return 0;
}

#elif defined(_WIN32)

#include "check.h"
#include "worker/crash.h"

#include <windows.h>

static LONG WINAPI go_on(EXCEPTION_POINTERS *found) {
    (void)found;
    return EXCEPTION_CONTINUE_EXECUTION;
}

/* Handlers of a cell come after the record's, and may have the process live on. */
int main(void) {
    static hp_crash record;
    CHECK(hp_crash_arm(&record) == 0 && record.filled == HP_CRASH_EMPTY);
    CHECK(AddVectoredExceptionHandler(0, go_on) != NULL);
    RaiseException(EXCEPTION_INT_DIVIDE_BY_ZERO, 0, 0, NULL);
    CHECK(record.filled == HP_CRASH_COMPLETE && record.signal == -(int32_t)EXCEPTION_INT_DIVIDE_BY_ZERO);
    CHECK(record.code == 1 && record.address == 0 && record.main_thread == 1);
    CHECK(record.stack_low < record.sp && record.sp < record.stack_high);
    return 0;
}

#else

#include "check.h"
#include "worker/crash.h"

#include <errno.h>

int main(void) {
    hp_crash record;
    CHECK(hp_crash_arm(&record) == -1 && errno == ENOTSUP);
    return 0;
}

#endif
