/* interrupt.c (POSIX): Ctrl-C reaches native code. Python's own handler only leaves a note for the interpreter, which
 * does not run while the main thread is inside a cell; this one sets abort words first, then calls that handler. When
 * the signal came to another thread, the main thread waits for the note wherever it could miss it. */
#define _GNU_SOURCE
#include "core/core.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { HP_SLOTS = 64, HP_PASSING_MS = 1000 };

static _Atomic(volatile int32_t *) slots[HP_SLOTS];
static struct sigaction previous, original;
static pthread_t main_thread;
static sem_t happened;
static int armed_once;
static atomic_llong count;

/* How often this handler has begun, and has ended: in between, the one before it may not have been called yet. */
static atomic_llong begun, ended;

/* How deep this thread is in here. Nothing is allocated for it at the first use, which is inside a handler. */
#ifdef __ELF__
static _Thread_local volatile sig_atomic_t inside __attribute__((tls_model("initial-exec")));
#else
static _Thread_local volatile sig_atomic_t inside;
#endif

/* The direct call of the main thread. Written by it alone, read by the notifier. */
static volatile int32_t main_word;
static _Atomic(const hp_cell *) main_cell;
static atomic_llong main_serial;

static void on_interrupt(int number, siginfo_t *info, void *context) {
    const int saved = errno;
    atomic_fetch_add(&begun, 1);
    main_word = 1;
    for (int i = 0; i < HP_SLOTS; i++) {
        volatile int32_t *word = atomic_load_explicit(&slots[i], memory_order_acquire);
        if (word != NULL) *word = 1;
    }
    atomic_fetch_add(&count, 1);
    sem_post(&happened);
    errno = saved;
    /* A handler that was installed over this one may call it back: then go on to the one from before both. */
    const struct sigaction *next = inside ? &original : &previous;
    inside++;
    if (next->sa_flags & SA_SIGINFO)
        next->sa_sigaction(number, info, context);
    else if (next->sa_handler != SIG_DFL && next->sa_handler != SIG_IGN)
        next->sa_handler(number);
    inside--;
    atomic_fetch_add(&ended, 1);
}

int32_t hp_interrupt_arm(void) {
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) != 0) return -1;
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_interrupt) return 0;
    /* Where Ctrl-C is ignored or kills the process, that is somebody's wish: leave it. */
    if (!(now.sa_flags & SA_SIGINFO) && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) return 0;
    if (!armed_once && sem_init(&happened, 0, 0) != 0) return -1;
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupts, &before);
    if (!armed_once) original = now;
    armed_once = 1;
    main_thread = pthread_self();
    previous = now;
    struct sigaction ours = {.sa_flags = SA_SIGINFO | (now.sa_flags & (SA_ONSTACK | SA_RESTART | SA_NODEFER))};
    ours.sa_sigaction = on_interrupt;
    ours.sa_mask = now.sa_mask;
    const int status = sigaction(SIGINT, &ours, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

int32_t hp_interrupt_watch(volatile int32_t *word) {
    int32_t slot = 0;
    for (; slot < HP_SLOTS; slot++) {
        volatile int32_t *empty = NULL;
        if (atomic_compare_exchange_strong(&slots[slot], &empty, word)) break;
    }
    hp_interrupt_let_pass(); /* one that was too early for this word: Python will tell */
    return slot < HP_SLOTS ? 0 : -1;
}

void hp_interrupt_unwatch(const volatile int32_t *word) {
    for (int32_t i = 0; i < HP_SLOTS; i++)
        if (atomic_load(&slots[i]) == word) atomic_store(&slots[i], NULL);
    hp_interrupt_let_pass(); /* the word may go, and what it stopped is judged: Python has to know by then */
}

int64_t hp_interrupt_wait(void) {
    if (!armed_once) return -1;
    while (sem_wait(&happened) != 0)
        if (errno != EINTR) return -1;
    return atomic_load(&count);
}

const char *hp_interrupt_running(int64_t *serial, int32_t *polls) {
    const hp_cell *cell = atomic_load(&main_cell);
    *serial = atomic_load(&main_serial);
    *polls = cell != NULL && cell->takes_context;
    return cell != NULL ? cell->name : NULL;
}

const volatile int32_t *hp_interrupt_enter(const hp_cell *cell) {
    if (!armed_once || !pthread_equal(pthread_self(), main_thread)) return NULL;
    main_word = 0;
    atomic_store_explicit(&main_serial, atomic_load_explicit(&main_serial, memory_order_relaxed) + 1, memory_order_relaxed);
    atomic_store_explicit(&main_cell, cell, memory_order_release);
    return &main_word;
}

void hp_interrupt_leave(void) { atomic_store_explicit(&main_cell, NULL, memory_order_release); }

int32_t hp_interrupt_on_its_way(void) {
    return atomic_load(&ended) < atomic_load(&begun) && pthread_equal(pthread_self(), main_thread);
}

void hp_interrupt_let_pass(void) {
    const struct timespec millisecond = {0, 1000000};
    for (int waited = 0; hp_interrupt_on_its_way(); waited++) {
        if (waited == HP_PASSING_MS) atomic_store(&ended, atomic_load(&begun)); /* a handler that never comes back */
        nanosleep(&millisecond, NULL);
    }
}
