/* crash_win.c: what a worker on Windows notes when an exception of the system ends it. For a signal's number the record
 * has the exception's, as a positive one: minus the exit code that the controller sees. */
#if defined(_WIN32)
#include "core/atomic.h"
#include "worker/crash.h"
#include "worker/crash_win.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

/* What a handler gets of a stack that has overflowed. */
enum { HP_HANDLER_STACK = 64 * 1024 };
/* The numbers that Linux has for kinds of faults, which crash.h promises. */
enum { NOT_MAPPED = 1, NOT_ALLOWED = 2, NOT_CANONICAL = 128 };

/* What abort() ends with: a fast fail, of which this is the code. */
#define ABORTED ((DWORD)0xC0000409)

static struct {
    hp_crash *record;
    uint64_t stack_low, stack_high;
    DWORD main_thread;
} armed;

static LONG WINAPI on_exception(EXCEPTION_POINTERS *found);
static LONG WINAPI on_end(EXCEPTION_POINTERS *found);
static void write_access(hp_crash *record, const EXCEPTION_RECORD *exception);
static int32_t kind_of(DWORD exception);

int32_t hp_crash_arm(hp_crash *record) {
    memset(record, 0, sizeof *record);
    const int is_armed = armed.record != NULL;
    armed.record = record;
    if (is_armed) return 0;
    ULONG_PTR low, high;
    ULONG room = HP_HANDLER_STACK;
    GetCurrentThreadStackLimits(&low, &high);
    armed.stack_low = low;
    armed.stack_high = high;
    armed.main_thread = GetCurrentThreadId();
    SetThreadStackGuarantee(&room);
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX); /* no window that waits for a click */
    SetUnhandledExceptionFilter(on_end);
    return AddVectoredExceptionHandler(1, on_exception) != NULL ? 0 : -1;
}

void hp_crash_abort(void) {
    if (armed.record == NULL) return;
    EXCEPTION_RECORD exception;
    CONTEXT context;
    memset(&exception, 0, sizeof exception);
    RtlCaptureContext(&context);
    exception.ExceptionCode = ABORTED;
    fflush(NULL);
    on_exception(&(EXCEPTION_POINTERS){&exception, &context});
    TerminateProcess(GetCurrentProcess(), ABORTED);
}

static int is_fatal(DWORD exception) {
    return exception == EXCEPTION_ACCESS_VIOLATION || exception == EXCEPTION_STACK_OVERFLOW ||
           exception == EXCEPTION_ILLEGAL_INSTRUCTION || exception == EXCEPTION_PRIV_INSTRUCTION ||
           exception == EXCEPTION_IN_PAGE_ERROR || exception == EXCEPTION_BREAKPOINT || exception == EXCEPTION_DATATYPE_MISALIGNMENT ||
           exception == ABORTED || kind_of(exception) != 0;
}

/* Called before handlers that a cell may have: the record counts only if the process ends of this very exception. */
static LONG WINAPI on_exception(EXCEPTION_POINTERS *found) {
    const EXCEPTION_RECORD *exception = found->ExceptionRecord;
    hp_crash *record = armed.record;
    if (!is_fatal(exception->ExceptionCode)) return EXCEPTION_CONTINUE_SEARCH;
    record->filled = HP_CRASH_EMPTY;
    record->signal = -(int32_t)exception->ExceptionCode;
    record->code = kind_of(exception->ExceptionCode);
    record->access = HP_ACCESS_UNKNOWN;
    record->address = 0;
    record->main_thread = GetCurrentThreadId() == armed.main_thread;
    record->stack_low = record->main_thread ? armed.stack_low : 0;
    record->stack_high = record->main_thread ? armed.stack_high : 0;
    record->sender = 0;
    record->system_call = -1;
#if defined(__x86_64__) || defined(_M_X64)
    record->pc = found->ContextRecord->Rip;
    record->sp = found->ContextRecord->Rsp;
#elif defined(__aarch64__) || defined(_M_ARM64)
    record->pc = found->ContextRecord->Pc;
    record->sp = found->ContextRecord->Sp;
#endif
    record->frames[0] = record->pc;
    record->frame_count = 1;
    if (exception->ExceptionCode == EXCEPTION_ACCESS_VIOLATION || exception->ExceptionCode == EXCEPTION_IN_PAGE_ERROR)
        write_access(record, exception);
    __atomic_store_n(&record->filled, HP_CRASH_COMPLETE, __ATOMIC_RELEASE);
    return EXCEPTION_CONTINUE_SEARCH;
}

/* No handler wanted it: the process ends with the exception's number, and without a report to Microsoft. */
static LONG WINAPI on_end(EXCEPTION_POINTERS *found) {
    TerminateProcess(GetCurrentProcess(), found->ExceptionRecord->ExceptionCode);
    return EXCEPTION_EXECUTE_HANDLER;
}

static void write_access(hp_crash *record, const EXCEPTION_RECORD *exception) {
    MEMORY_BASIC_INFORMATION page;
    const ULONG_PTR how = exception->ExceptionInformation[0];
    record->address = exception->ExceptionInformation[1];
    record->access = how == 1 ? HP_ACCESS_WRITE : how == 8 || record->address == record->pc ? HP_ACCESS_EXECUTE : HP_ACCESS_READ;
    const int is_there = VirtualQuery((const void *)(uintptr_t)record->address, &page, sizeof page) && page.State == MEM_COMMIT;
    record->code = record->address == UINT64_MAX ? NOT_CANONICAL : is_there ? NOT_ALLOWED : NOT_MAPPED;
}

/* Of arithmetic: as si_code of SIGFPE counts them. */
static int32_t kind_of(DWORD exception) {
    switch (exception) {
    case EXCEPTION_INT_DIVIDE_BY_ZERO:
        return 1;
    case EXCEPTION_INT_OVERFLOW:
        return 2;
    case EXCEPTION_FLT_DIVIDE_BY_ZERO:
        return 3;
    case EXCEPTION_FLT_OVERFLOW:
        return 4;
    case EXCEPTION_FLT_UNDERFLOW:
        return 5;
    case EXCEPTION_FLT_INEXACT_RESULT:
        return 6;
    case EXCEPTION_FLT_INVALID_OPERATION:
        return 7;
    case EXCEPTION_ARRAY_BOUNDS_EXCEEDED:
        return 8;
    default:
        return 0;
    }
}

#else
typedef int hp_no_windows_crash_here;
#endif
