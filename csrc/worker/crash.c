/* crash.c: the handler of fatal signals. It writes down what is certain, then what takes some risk, and lets the process
 * die of the very signal. */
#define _GNU_SOURCE
#include "worker/crash.h"

#include <errno.h>

_Static_assert(offsetof(hp_crash, address) == 16 && offsetof(hp_crash, main_thread) == 56, "crash_record.py reads it");
_Static_assert(offsetof(hp_crash, frames) == 72 && offsetof(hp_crash, modules) == 328, "crash_record.py reads it");
_Static_assert(offsetof(hp_crash, others) == 1352 && sizeof(hp_other_module) == 96, "crash_record.py reads it");
_Static_assert(sizeof(hp_crash) == 1928, "crash_record.py reads it");

#if defined(__linux__)

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <execinfo.h>
#endif

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
enum { HP_FATAL_SIGNALS = sizeof fatal_signals / sizeof fatal_signals[0] };

/* The kernel saves up to 11 KiB of registers there (AVX-512, AMX); the unwinder takes about 8. */
enum { HP_HANDLER_STACK = 128 * 1024 };
/* Seconds for the part that may never end. */
enum { HP_CALLS_LIMIT = 1 };

static struct {
    hp_crash *record;
    uint64_t stack_low, stack_high;
    pid_t process;
    pid_t main_thread;
    pid_t dying; /* the thread whose crash is being written down */
    int signal;  /* what it dies of */
} armed;

static void warm_up(void);
static void find_own_stack(void);
static int32_t prepare_stack(void);
static int32_t install(void);

int32_t hp_crash_arm(hp_crash *record) {
    memset(record, 0, sizeof *record);
    armed.record = record;
    if (armed.process == getpid()) return 0;
    warm_up();
    find_own_stack();
    if (prepare_stack() != 0 || install() != 0) return -1;
    armed.main_thread = (pid_t)syscall(SYS_gettid);
    armed.process = getpid();
    return 0;
}

/* The first backtrace loads libgcc_s, with malloc and the loader's locks. Later ones read unwind tables. */
static void warm_up(void) {
#if defined(__GLIBC__)
    void *frame;
    backtrace(&frame, 1);
#endif
}

static void find_own_stack(void) {
    pthread_attr_t attributes;
    void *low;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
        armed.stack_low = (uintptr_t)low;
        armed.stack_high = armed.stack_low + size;
    }
    pthread_attr_destroy(&attributes);
}

/* A stack that has overflowed has no room for a handler, so it gets one of its own, below it a page that nobody may
 * touch. Threads that cells start have none: when one of theirs overflows, the record stays empty. */
static int32_t prepare_stack(void) {
    const size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, guard + HP_HANDLER_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) return -1;
    const stack_t stack = {.ss_sp = memory + guard, .ss_size = HP_HANDLER_STACK};
    return sigaltstack(&stack, NULL);
}

static void on_crash(int number, siginfo_t *info, void *context);

/* Nothing is blocked but the signal itself: a fault of another kind within the handler has to reach it. If it were
 * blocked, the kernel would end the process with that fault's signal instead of the first one's. */
static int32_t install(void) {
    for (int i = 0; i < HP_FATAL_SIGNALS; i++) {
        struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
        if (sigaction(fatal_signals[i], NULL, &now) != 0) return -1;
        if ((now.sa_flags & SA_SIGINFO) || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN)) continue;
        ours.sa_sigaction = on_crash;
        sigemptyset(&ours.sa_mask);
        if (sigaction(fatal_signals[i], &ours, NULL) != 0) return -1;
    }
    return 0;
}

static void write_basics(hp_crash *record, int number, const siginfo_t *info, ucontext_t *context);
static void write_calls(hp_crash *record, ucontext_t *context);
static void die(int number);

static void on_crash(int number, siginfo_t *info, void *context) {
    const int saved = errno;
    const pid_t self = (pid_t)syscall(SYS_gettid);
    pid_t first = 0;
    if (getpid() != armed.process) {
        die(number); /* a child that a cell forked: the record is its parent's */
    } else if (__atomic_compare_exchange_n(&armed.dying, &first, self, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        armed.signal = number;
        write_basics(armed.record, number, info, context);
        write_calls(armed.record, context);
        die(number);
    } else if (first == self) {
        signal(number, SIG_DFL); /* a fault in this handler, after the basics: once is enough */
        die(armed.signal);
    } else {
        for (;;) pause(); /* the other thread is about to end the process */
    }
    errno = saved;
}

typedef struct {
    uint64_t pc, sp;
} hp_place;
static hp_place place_in(const ucontext_t *context);
static int32_t access_of(const ucontext_t *context);

static void write_basics(hp_crash *record, int number, const siginfo_t *info, ucontext_t *context) {
    const int is_sent = info->si_code <= 0, is_own = armed.dying == armed.main_thread;
    record->signal = number;
    record->code = info->si_code;
    record->sender = is_sent ? info->si_pid : 0;
    record->address = is_sent ? 0 : (uintptr_t)info->si_addr;
    record->access = number == SIGSEGV && !is_sent ? access_of(context) : HP_ACCESS_UNKNOWN;
    record->system_call = number == SIGSYS && !is_sent ? info->si_syscall : -1;
    record->main_thread = is_own;
    record->stack_low = is_own ? armed.stack_low : 0;
    record->stack_high = is_own ? armed.stack_high : 0;
    record->pc = place_in(context).pc;
    record->sp = place_in(context).sp;
    record->frames[0] = record->pc;
    record->frame_count = 1;
    __atomic_store_n(&record->filled, HP_CRASH_BASICS, __ATOMIC_RELEASE);
}

static void limit_time(void);
static void append(hp_crash *record, uint64_t address);
static void set_place(ucontext_t *context, hp_place place);
static hp_place caller_of(const ucontext_t *context);
static void append_calls(hp_crash *record, uint64_t from);

/* Unwinding is not async-signal-safe by the letter: before glibc 2.35 it takes the loader's lock, which may be held
 * for good, and over a damaged stack it may fault. Either costs the rest of the record and nothing else: the fault ends
 * in on_crash again, the wait in an alarm. */
static void write_calls(hp_crash *record, ucontext_t *context) {
    const hp_place crash = place_in(context);
    limit_time();
    if (record->access == HP_ACCESS_EXECUTE && record->address == crash.pc) {
        /* A call of what is no code. Seen from where it would have returned to, the stack is in order. */
        const hp_place caller = caller_of(context);
        set_place(context, caller);
        append(record, caller.pc);
    }
    append_calls(record, place_in(context).pc);
    set_place(context, crash);
    hp_crash_name_others(record);
    __atomic_store_n(&record->filled, HP_CRASH_COMPLETE, __ATOMIC_RELEASE);
}

static void on_alarm(int number) {
    (void)number;
    die(armed.signal);
}

static void limit_time(void) {
    struct sigaction ours = {.sa_flags = SA_ONSTACK};
    sigset_t alarms;
    ours.sa_handler = on_alarm;
    sigemptyset(&ours.sa_mask);
    sigaction(SIGALRM, &ours, NULL);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(HP_CALLS_LIMIT);
}

static void append(hp_crash *record, uint64_t address) {
    if (address != 0 && record->frame_count < HP_CRASH_FRAMES) record->frames[record->frame_count++] = address;
}

/* The innermost frames are the handler's own; those after `from` are the calls that led there. */
static void append_calls(hp_crash *record, uint64_t from) {
#if defined(__GLIBC__)
    void *found[HP_CRASH_FRAMES + 8];
    const int count = backtrace(found, sizeof found / sizeof found[0]);
    int i = 0;
    while (i < count && (uintptr_t)found[i] != from) i++;
    while (++i < count) append(record, (uintptr_t)found[i]);
#else
    (void)record, (void)from;
#endif
}

/* Faults come back to the handler's caller, which runs into the same fault again, now without a handler: that is how
 * the process ends where a sandbox refuses to let it send signals. */
static void die(int number) {
    sigset_t deadly;
    signal(number, SIG_DFL);
    sigemptyset(&deadly);
    sigaddset(&deadly, number);
    pthread_sigmask(SIG_UNBLOCK, &deadly, NULL);
    raise(number);
}

/* ---- registers ---- */

#if defined(__x86_64__)

static hp_place place_in(const ucontext_t *context) {
    const greg_t *registers = context->uc_mcontext.gregs;
    return (hp_place){(uint64_t)registers[REG_RIP], (uint64_t)registers[REG_RSP]};
}

static void set_place(ucontext_t *context, hp_place place) {
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)place.pc;
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)place.sp;
}

static hp_place caller_of(const ucontext_t *context) {
    hp_place place = place_in(context);
    memcpy(&place.pc, (const void *)(uintptr_t)place.sp, sizeof place.pc);
    place.sp += sizeof place.pc;
    return place;
}

/* Bits of a page fault's error code: Intel's manual, volume 3A, 4.7. Other faults come without an address. */
static int32_t access_of(const ucontext_t *context) {
    const greg_t code = context->uc_mcontext.gregs[REG_ERR];
    if (context->uc_mcontext.gregs[REG_TRAPNO] != 14) return HP_ACCESS_UNKNOWN;
    return code & 16 ? HP_ACCESS_EXECUTE : code & 2 ? HP_ACCESS_WRITE : HP_ACCESS_READ;
}

#elif defined(__aarch64__)

static hp_place place_in(const ucontext_t *context) {
    return (hp_place){context->uc_mcontext.pc, context->uc_mcontext.sp};
}

static void set_place(ucontext_t *context, hp_place place) {
    context->uc_mcontext.pc = place.pc;
    context->uc_mcontext.sp = place.sp;
}

static hp_place caller_of(const ucontext_t *context) {
    return (hp_place){context->uc_mcontext.regs[30], context->uc_mcontext.sp};
}

/* Whether it read or wrote stands in a part of the context that need not be there. */
static int32_t access_of(const ucontext_t *context) {
    const int executes = context->uc_mcontext.fault_address == context->uc_mcontext.pc;
    return executes ? HP_ACCESS_EXECUTE : HP_ACCESS_UNKNOWN;
}

#else

static hp_place place_in(const ucontext_t *context) { return (void)context, (hp_place){0, 0}; }
static void set_place(ucontext_t *context, hp_place place) { (void)context, (void)place; }
static hp_place caller_of(const ucontext_t *context) { return place_in(context); }
static int32_t access_of(const ucontext_t *context) { return (void)context, HP_ACCESS_UNKNOWN; }

#endif

#elif !defined(_WIN32)

int32_t hp_crash_arm(hp_crash *record) {
    (void)record;
    errno = ENOTSUP;
    return -1;
}

#endif
