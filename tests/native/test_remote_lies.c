/* Workers that are none: what a controller makes of a process that is silent, talks nonsense or goes away. */
#define _GNU_SOURCE
#include "workers.h"

#if defined(__linux__)
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the other side: this program once more, with what it shall do as its argument ---- */

enum { WORKER_SOCKET = 3, WORKER_PAGE = 4 };

static hp_page *page;

static void say(uint32_t kind, const void *payload, size_t size) {
    uint8_t message[256];
    const hp_message_head head = {HP_WIRE_MAGIC, kind, size};
    memcpy(message, &head, sizeof head);
    if (size > 0) memcpy(message + sizeof head, payload, size);
    CHECK(send(WORKER_SOCKET, message, sizeof head + size, MSG_NOSIGNAL) > 0);
}

/* Returns the kind of the next message, which is thrown away. */
static uint32_t hear(void) {
    static uint8_t message[HP_MESSAGE_MAX];
    hp_message_head head;
    if (recv(WORKER_SOCKET, message, sizeof message, 0) < (ssize_t)sizeof head) _exit(0);
    memcpy(&head, message, sizeof head);
    return head.kind;
}

static int has_call(void) { return __atomic_load_n(&page->called, __ATOMIC_SEQ_CST) != page->answered; }
static int is_asked_to_stop(void) { return __atomic_load_n(&page->abort_word, __ATOMIC_SEQ_CST) != 0; }

static void give_answer(int32_t status) {
    hp_writer writer = {page->body, page->body + sizeof page->body, 0};
    hp_put_u64(&writer, (uint64_t)status);
    hp_put_text(&writer, "");
    __atomic_store_n(&page->answered, page->called, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&page->controller_sleeps, 0, __ATOMIC_SEQ_CST)) say(HP_SAY_WAKE, NULL, 0);
}

/* A new state at the arena's end, which every call is offered, and behind it outputs that are none. It is slow to die: the
 * system has much of its memory to take away. */
static void give_state_and_nonsense(void) {
    enum { MUCH = 64 << 20 };
    uint64_t call[4], end[2]; /* length, library, arena, count of regions; the last region */
    memset(mmap(NULL, MUCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, MUCH);
    memcpy(call, page->body, sizeof call);
    memcpy(end, page->body + sizeof call + (call[3] - 1) * sizeof end, sizeof end);
    hp_writer writer = {page->body, page->body + sizeof page->body, 0};
    hp_put_u64(&writer, HP_OK);
    hp_put_text(&writer, "");
    const uint64_t state[] = {1, end[0], 64, 1};
    for (int i = 0; i < 4; i++) hp_put_u64(&writer, state[i]);
    for (int i = 0; i < 5; i++) hp_put_u64(&writer, UINT64_MAX);
    __atomic_store_n(&page->answered, page->called, __ATOMIC_SEQ_CST);
}

static int is(const char *wanted, const char *what) { return strcmp(wanted, what) == 0; }

static void play(const char *what) {
    page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_PAGE, 0);
    CHECK(page != MAP_FAILED);
    if (is(what, "leaves")) _exit(3);
    const uint32_t kind = hear();
    if (is(what, "is silent")) for (;;) pause();
    if (is(what, "hangs up")) close(WORKER_SOCKET), pause();
    if (is(what, "dies of a message")) raise(SIGKILL);
    if (is(what, "says nothing in many words")) send(WORKER_SOCKET, "", 0, 0), pause();
    if (is(what, "says nonsense")) send(WORKER_SOCKET, "nonsense that is longer than a head", 35, 0), pause();
    if (is(what, "says what is no answer")) say(0, "12345678", 8), pause();
    if (is(what, "lies about its size")) {
        const hp_message_head head = {HP_WIRE_MAGIC, HP_SAY_DONE, 1 << 20};
        send(WORKER_SOCKET, &head, sizeof head, 0), pause();
    }
    if (is(what, "wakes without end")) for (;;) say(HP_SAY_WAKE, NULL, 0);
    if (is(what, "refuses arenas")) say(HP_SAY_REFUSED, "\2\0\0\0\0\0\0\0no\0\0\0\0\0\0", 16), pause();
    say(HP_SAY_DONE, NULL, 0);
    CHECK(kind == HP_SAY_ARENA && hear() == HP_SAY_ARENA);
    say(HP_SAY_DONE, NULL, 0);
    while (!is(what, "sleeps through the bell") && !has_call()) usleep(100);
    if (is(what, "answers nonsense")) memset(page->body, 0xff, sizeof page->body), page->answered = page->called;
    if (is(what, "answers nonsense behind a new state")) give_state_and_nonsense();
    if (is(what, "answers and dies")) give_answer(HP_NO_RESULT), raise(SIGKILL);
    if (is(what, "answers without waking anybody")) {
        usleep(5 * 1000);
        page->controller_sleeps = 0; /* as a cell may that writes where it should not */
        give_answer(HP_NO_RESULT);
    }
    if (is(what, "sleeps through the bell")) { /* as one whose page a cell's thread spoils while it sleeps */
        page->worker_sleeps = 0;
        while (hear() != HP_SAY_WAKE) continue;
        give_answer(HP_NO_RESULT);
    }
    if (is(what, "talks during a call")) say(HP_SAY_DONE, NULL, 0);
    if (is(what, "answers too late")) {
        while (!is_asked_to_stop()) usleep(100);
        sleep(10); /* its grace is less */
        give_answer(HP_NO_RESULT);
    }
    if (is(what, "does not listen"))
        for (;;) {
            __atomic_store_n(&page->worker_sleeps, 1, __ATOMIC_SEQ_CST);
            if (has_call()) give_answer(HP_NO_RESULT);
        }
    for (;;) pause();
}

/* ---- what its controller makes of it ---- */

static test_worker start(const char *what) {
    test_worker worker = {.state = hp_state_new()};
    int32_t code;
    worker.arena = hp_arena_new(&code);
    worker.remote = start_program("/proc/self/exe", what, worker.arena);
    worker.library = calloc(1, sizeof *worker.library);
    CHECK(worker.arena != NULL && worker.library != NULL);
    worker.library->number = LIBRARY;
    return worker;
}

static int32_t ask_for(test_worker *worker, int64_t time) {
    uint8_t *answer = malloc(HP_MESSAGE_MAX);
    size_t size;
    const int32_t kind = hp_remote_ask(worker->remote, HP_SAY_OPEN, NULL, 0, -1, time, answer, &size, &worker->waited);
    free(answer);
    return kind;
}

static void a_message_ends_with(const char *what, int32_t ending, int32_t killed, int64_t time, int32_t status) {
    test_worker worker = start(what);
    CHECK(ask_for(&worker, time) == 0);
    CHECK(worker.waited.ending == ending && worker.waited.killed == killed);
    CHECK(bury(&worker) == status);
}

static void messages_end_however_the_worker_behaves(void) {
    a_message_ends_with("leaves", HP_ENDED_DEATH, 0, 20 * SECONDS, 3);
    a_message_ends_with("dies of a message", HP_ENDED_DEATH, 0, 20 * SECONDS, -SIGKILL);
    a_message_ends_with("hangs up", HP_ENDED_DEATH, 0, 20 * SECONDS, -SIGKILL);
    a_message_ends_with("is silent", HP_ENDED_DEATH, 1, 20 * MILLISECONDS, -SIGKILL);
    a_message_ends_with("wakes without end", HP_ENDED_DEATH, 1, 20 * MILLISECONDS, -SIGKILL);
    a_message_ends_with("says nothing in many words", HP_ENDED_NONSENSE, 0, 20 * SECONDS, -SIGKILL);
    a_message_ends_with("says nonsense", HP_ENDED_NONSENSE, 0, 20 * SECONDS, -SIGKILL);
    a_message_ends_with("says what is no answer", HP_ENDED_NONSENSE, 0, 20 * SECONDS, -SIGKILL);
    a_message_ends_with("lies about its size", HP_ENDED_NONSENSE, 0, 20 * SECONDS, -SIGKILL);
}

static int32_t call_of(const char *what, int64_t timeout, hp_waited *waited) {
    test_worker worker = start(what);
    hp_remote_enter(worker.remote, timeout, 10 * MILLISECONDS, waited);
    const int32_t status = call(&worker, ANSWER);
    hp_remote_enter(NULL, -1, 0, NULL);
    bury(&worker);
    return status;
}

static void a_call_is_over_when_the_answer_is_nonsense(void) {
    hp_waited waited;
    CHECK(call_of("answers nonsense", 20 * SECONDS, &waited) == HP_REMOTE_GONE && waited.ending == HP_ENDED_NONSENSE);
    CHECK(call_of("talks during a call", 20 * SECONDS, &waited) == HP_REMOTE_GONE && waited.ending == HP_ENDED_NONSENSE);
}

static void nothing_of_a_nonsensical_answer_counts_and_its_worker_is_dead_when_the_call_returns(void) {
    int32_t status;
    int64_t usage[3];
    test_worker worker = start("answers nonsense behind a new state");
    hp_remote_enter(worker.remote, 20 * SECONDS, 0, &worker.waited);
    CHECK(call(&worker, ANSWER) == HP_REMOTE_GONE && worker.waited.ending == HP_ENDED_NONSENSE);
    CHECK(worker.state->data == NULL);
    CHECK(hp_remote_reap(worker.remote, 0, &status, usage) && status == -SIGKILL);
    hp_remote_enter(NULL, -1, 0, NULL);
    bury(&worker);
}

static void an_answer_counts_although_its_worker_dies_after_it(void) {
    hp_waited waited;
    CHECK(call_of("answers and dies", 20 * SECONDS, &waited) == HP_NO_RESULT && waited.ending == HP_ENDED_ANSWER);
}

static void an_answer_is_found_although_nobody_said_so(void) {
    hp_waited waited;
    CHECK(call_of("answers without waking anybody", 20 * SECONDS, &waited) == HP_NO_RESULT && waited.asked == -1);
}

static void a_worker_that_missed_its_call_is_rung_again(void) {
    hp_waited waited;
    CHECK(call_of("sleeps through the bell", 20 * SECONDS, &waited) == HP_NO_RESULT && waited.asked == -1);
}

static void an_answer_that_comes_too_late_is_none(void) {
    hp_waited waited;
    CHECK(call_of("answers too late", MILLISECONDS, &waited) == HP_REMOTE_GONE);
    CHECK(waited.ending == HP_ENDED_DEATH && waited.killed && waited.reason == HP_REASON_TIMEOUT);
}

static void an_arena_that_the_worker_cannot_map_is_a_lack_of_memory(void) {
    hp_waited waited;
    CHECK(call_of("refuses arenas", 20 * SECONDS, &waited) == HP_REMOTE_MEMORY);
}

/* Doorbells that nobody hears must not fill the socket until the controller hangs in it. */
static void a_controller_never_waits_for_a_worker_to_listen(void) {
    test_worker worker = start("does not listen");
    hp_remote_enter(worker.remote, 20 * SECONDS, 0, &worker.waited);
    for (int i = 0; i < 2000; i++) CHECK(call(&worker, ANSWER) == HP_NO_RESULT);
    hp_remote_enter(NULL, -1, 0, NULL);
    CHECK(ask_for(&worker, 20 * SECONDS) == 0); /* there is no room for it */
    bury(&worker);
}

static void too_long_a_message_is_not_sent(void) {
    static uint8_t payload[HP_MESSAGE_MAX], answer[HP_MESSAGE_MAX];
    size_t size;
    test_worker worker = start("is silent");
    CHECK(hp_remote_ask(worker.remote, HP_SAY_OPEN, payload, sizeof payload, -1, -1, answer, &size, &worker.waited) == 0);
    bury(&worker);
}

static void a_worker_that_somebody_else_took_away_has_ended(void) {
    signal(SIGCHLD, SIG_IGN); /* then the system does */
    test_worker worker = start("dies of a message");
    CHECK(ask_for(&worker, 20 * SECONDS) == 0 && worker.waited.ending == HP_ENDED_DEATH);
    bury(&worker);
    signal(SIGCHLD, SIG_DFL);
}

static volatile int stop;
static void do_nothing(int number) { (void)number; }

static void *interrupt(void *thread) {
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) pthread_kill(*(pthread_t *)thread, SIGUSR1), usleep(200);
    return NULL;
}

static void signals_end_no_wait(void) {
    const struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    pthread_t own = pthread_self(), thread;
    hp_waited waited;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && pthread_create(&thread, NULL, interrupt, &own) == 0);
    CHECK(call_of("answers without waking anybody", 20 * SECONDS, &waited) == HP_NO_RESULT);
    a_message_ends_with("is silent", HP_ENDED_DEATH, 1, 20 * MILLISECONDS, -SIGKILL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- threads ---- */

static void *ask_on_a_small_stack(void *worker) {
    CHECK(ask_for(worker, 20 * SECONDS) == 0);
    return NULL;
}

static void a_thread_with_a_small_stack_can_ask(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    test_worker worker = start("says nonsense");
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 96 * 1024) == 0);
    CHECK(pthread_create(&thread, &attributes, ask_on_a_small_stack, &worker) == 0 && pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&attributes);
    bury(&worker);
}

static void *kill_again_and_again(void *remote) {
    for (int i = 0; i < 200; i++) hp_remote_kill(remote);
    return NULL;
}

static void a_kill_may_come_at_any_time(void) {
    int32_t status;
    int64_t usage[3];
    for (int i = 0; i < 3; i++) {
        pthread_t threads[2];
        test_worker worker = start("is silent");
        for (int n = 0; n < 2; n++) CHECK(pthread_create(&threads[n], NULL, kill_again_and_again, worker.remote) == 0);
        CHECK(hp_remote_reap(worker.remote, 20 * SECONDS, &status, usage) && status == -SIGKILL);
        for (int n = 0; n < 2; n++) CHECK(pthread_join(threads[n], NULL) == 0);
        hp_remote_free(worker.remote);
        worker.remote = start_program("/proc/self/exe", "is silent", worker.arena);
        bury(&worker);
    }
}

int main(int argc, char **argv) {
    if (argc > 1) play(argv[1]);
    messages_end_however_the_worker_behaves();
    a_call_is_over_when_the_answer_is_nonsense();
    nothing_of_a_nonsensical_answer_counts_and_its_worker_is_dead_when_the_call_returns();
    an_answer_counts_although_its_worker_dies_after_it();
    an_answer_is_found_although_nobody_said_so();
    a_worker_that_missed_its_call_is_rung_again();
    an_answer_that_comes_too_late_is_none();
    an_arena_that_the_worker_cannot_map_is_a_lack_of_memory();
    a_controller_never_waits_for_a_worker_to_listen();
    too_long_a_message_is_not_sent();
    a_worker_that_somebody_else_took_away_has_ended();
    signals_end_no_wait();
    a_thread_with_a_small_stack_can_ask();
    a_kill_may_come_at_any_time();
    return 0;
}
#else
int main(void) { return 0; }
#endif
