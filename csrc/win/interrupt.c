/* interrupt.c (Windows): Ctrl-C reaches native code. The console starts a thread for it, which calls the handlers of
 * the process, the latest first; Python's stands behind the C library's and only leaves a note for the interpreter,
 * which does not run while the main thread is inside a cell. This one sets abort words and leaves the rest to that. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "core/core.h"
#include "win/wake.h"

enum { HP_SLOTS = 64, HP_PASSING_MS = 1000 };

/* The handler has a thread of its own, so a lock will do: who takes a word out knows that nobody writes to it after. */
static SRWLOCK slots_lock = SRWLOCK_INIT;
static volatile int32_t *slots[HP_SLOTS];

/* Interlocked functions rather than stdatomic.h: Visual C++ has no C11 atomics. */
static volatile LONG64 count;
static HANDLE happened;
static DWORD main_thread;

/* The console's thread of the last Ctrl-C: when it has ended, the handlers behind this one were called. */
static void *volatile passing;

/* The direct call of the main thread. Written by it alone, read by the notifier. */
static volatile int32_t main_word;
static void *volatile main_cell;
static volatile LONG64 main_serial;

static BOOL WINAPI on_interrupt(DWORD event) {
    if (event != CTRL_C_EVENT) return FALSE;
    HANDLE thread = NULL;
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread, SYNCHRONIZE, FALSE, 0);
    HANDLE former = InterlockedExchangePointer(&passing, thread); /* before the words: who sees those finds it */
    if (former != NULL) CloseHandle(former);
    main_word = 1;
    AcquireSRWLockExclusive(&slots_lock);
    for (int i = 0; i < HP_SLOTS; i++)
        if (slots[i] != NULL) *slots[i] = 1;
    ReleaseSRWLockExclusive(&slots_lock);
    hp_wake_waiting();
    InterlockedIncrement64(&count);
    ReleaseSemaphore(happened, 1, NULL);
    return FALSE;
}

int32_t hp_interrupt_arm(void) {
    if (happened != NULL) return 0; /* a handler that Python installs later stands behind this one all the same */
    HANDLE semaphore = CreateSemaphoreW(NULL, 0, MAXLONG, NULL);
    if (semaphore == NULL) return -1;
    main_thread = GetCurrentThreadId();
    happened = semaphore;
    if (SetConsoleCtrlHandler(on_interrupt, TRUE)) return 0;
    happened = NULL;
    CloseHandle(semaphore);
    return -1;
}

int32_t hp_interrupt_watch(volatile int32_t *word) {
    int32_t slot = 0;
    AcquireSRWLockExclusive(&slots_lock);
    while (slot < HP_SLOTS && slots[slot] != NULL) slot++;
    if (slot < HP_SLOTS) slots[slot] = word;
    ReleaseSRWLockExclusive(&slots_lock);
    hp_interrupt_let_pass(); /* one that was too early for this word: Python will tell */
    if (hp_interrupt_on_its_way()) *word = 1;
    return slot < HP_SLOTS ? 0 : -1;
}

void hp_interrupt_unwatch(const volatile int32_t *word) {
    AcquireSRWLockExclusive(&slots_lock);
    for (int32_t i = 0; i < HP_SLOTS; i++)
        if (slots[i] == word) slots[i] = NULL;
    ReleaseSRWLockExclusive(&slots_lock);
    hp_interrupt_let_pass(); /* what the word stopped is judged: Python has to know by then */
}

int64_t hp_interrupt_wait(void) {
    if (happened == NULL || WaitForSingleObject(happened, INFINITE) != WAIT_OBJECT_0) return -1;
    return InterlockedCompareExchange64(&count, 0, 0);
}

const char *hp_interrupt_running(int64_t *serial, int32_t *polls) {
    const hp_cell *cell = InterlockedCompareExchangePointer(&main_cell, NULL, NULL);
    *serial = InterlockedCompareExchange64(&main_serial, 0, 0);
    *polls = cell != NULL && cell->takes_context;
    return cell != NULL ? cell->name : NULL;
}

const volatile int32_t *hp_interrupt_enter(const hp_cell *cell) {
    if (happened == NULL || GetCurrentThreadId() != main_thread) return NULL;
    main_word = 0;
    InterlockedIncrement64(&main_serial);
    InterlockedExchangePointer(&main_cell, (void *)(uintptr_t)cell);
    return &main_word;
}

void hp_interrupt_leave(void) { InterlockedExchangePointer(&main_cell, NULL); }

int32_t hp_interrupt_on_its_way(void) { return passing != NULL && GetCurrentThreadId() == main_thread; }

void hp_interrupt_let_pass(void) {
    HANDLE thread = hp_interrupt_on_its_way() ? InterlockedExchangePointer(&passing, NULL) : NULL;
    if (thread == NULL) return;
    if (WaitForSingleObject(thread, HP_PASSING_MS) == WAIT_TIMEOUT) {
        main_word = 1; /* then the call is asked to stop right away, and Python tells later */
        if (InterlockedCompareExchangePointer(&passing, thread, NULL) == NULL) return;
    }
    CloseHandle(thread);
}
