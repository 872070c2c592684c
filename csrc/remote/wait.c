/* wait.c: waiting for a worker: spinning about one wake, then asleep; deadlines, requests to stop, kills. */
#include "core/pause.h"
#include "remote/inside.h"

#include <string.h>

/* A blocking round trip between processors costs 20 to 50 us, a spinning one 0.2: so long it pays to spin. */
enum { SPIN = 50 * 1000 };
/* A process that was killed and still does not end hangs in the system itself; it is given up. */
#define LAST_WAIT ((int64_t)10 * 1000 * 1000 * 1000)
/* A worker that can't be heard any more dies by itself soon, and then its own cause of death is known. */
#define LAST_WORDS ((int64_t)1000 * 1000 * 1000)
/* A cell, or a thread that it left behind, may have written over the words that say who sleeps, and then nobody is woken. */
#define LONGEST_SLEEP ((int64_t)250 * 1000 * 1000)

/* How many messages are taken before deadlines are looked at again: a worker may send them faster than they are taken. */
enum { MOST_AT_ONCE = 64 };

static int32_t waiting; /* threads of this process that wait for workers */

/* A waiting thread and its worker take two processors. Where there are not as many, spinning only takes them away. */
static int may_spin(void) { return 2 * __atomic_load_n(&waiting, __ATOMIC_RELAXED) <= hp_processors(); }

/* Not only acquired: it must not be read before this side has said that it goes to sleep. */
static int is_answered(const hp_page *page, uint32_t number) {
    return __atomic_load_n(&page->answered, __ATOMIC_SEQ_CST) == number;
}

/* Whether an answer may come while this thread spins. A worker on this very processor runs when this thread sleeps, and
 * one that is woken is mostly put there, for the system takes a message for a sign that its sender is about to sleep. */
static int pays_to_spin(const hp_page *page, int was_asleep) {
    return may_spin() && !was_asleep && page->worker_processor != page->controller_processor;
}

static int spin(const hp_page *page, uint32_t number) {
    const int64_t end = hp_now() + SPIN;
    do {
        for (int i = 0; i < 64; i++) {
            if (is_answered(page, number)) return 1;
            hp_pause();
        }
    } while (hp_now() < end);
    return 0;
}

/* ---- deadlines ---- */

typedef struct hp_wait {
    hp_remote *remote;
    int64_t begin;
    int64_t timeout; /* negative: none */
    int64_t grace;
    int64_t killed; /* when, from the beginning on; -1: not */
    int32_t obeys;   /* requests to stop */
    int32_t is_call; /* a cell runs, and can be told to stop */
    hp_waited *waited;
} hp_wait;

static void ask_to_stop(hp_wait *wait, int64_t elapsed, int32_t reason) {
    wait->waited->asked = elapsed;
    wait->waited->reason = reason;
    if (wait->is_call) __atomic_store_n(&wait->remote->page->abort_word, 1, __ATOMIC_SEQ_CST);
}

/* Why the call under way was asked to stop; a signal handler sets the word alone. */
static int32_t requested(const hp_wait *wait) {
    if (!wait->obeys) return HP_REASON_NONE;
    const int32_t reason = __atomic_load_n(&wait->remote->reason, __ATOMIC_SEQ_CST);
    if (reason != HP_REASON_NONE) return reason;
    return __atomic_load_n(&wait->remote->page->abort_word, __ATOMIC_SEQ_CST) != 0 ? HP_REASON_ABORT : HP_REASON_NONE;
}

/* Does what is due and returns how long to sleep at most; negative: without end. */
static int64_t keep_deadlines(hp_wait *wait) {
    hp_waited *waited = wait->waited;
    const int64_t elapsed = hp_now() - wait->begin;
    if (waited->asked < 0) {
        const int32_t reason = requested(wait);
        if (reason != HP_REASON_NONE)
            ask_to_stop(wait, elapsed, reason);
        else if (wait->timeout >= 0 && elapsed >= wait->timeout)
            ask_to_stop(wait, elapsed, HP_REASON_TIMEOUT);
        else
            return wait->timeout < 0 ? -1 : wait->timeout - elapsed;
    }
    if (wait->killed < 0 && elapsed - waited->asked < wait->grace) return wait->grace - (elapsed - waited->asked);
    if (wait->killed < 0) {
        waited->nanoseconds = elapsed;
        waited->killed = 1;
        wait->killed = elapsed;
        hp_process_kill(wait->remote->process);
    }
    return wait->killed + LAST_WAIT - elapsed;
}

void hp_remote_end(hp_remote *remote) {
    hp_process_kill(remote->process);
    hp_process_join(remote->process, LAST_WAIT);
}

/* What did not end with an answer ends the worker. */
static void finish(const hp_wait *wait) {
    if (wait->waited->ending == HP_ENDED_DEATH && wait->killed < 0) hp_process_join(wait->remote->process, LAST_WORDS);
    hp_remote_end(wait->remote);
}

/* ---- waiting ---- */

/* Takes what lies in the socket. 0: wakes only; else something that nobody asked for, or the worker's end of it. */
static int drain(hp_remote *remote) {
    for (int i = 0; i < MOST_AT_ONCE; i++) {
        hp_message_head head;
        const int64_t size = hp_process_receive(remote->process, &head, sizeof head);
        if (size == 0) return 0;
        if (size != sizeof head || head.magic != HP_WIRE_MAGIC || head.kind != HP_SAY_WAKE) return -1;
    }
    return 0;
}

/* Tells the worker that there is a call. One that is gone is seen by whoever waits for it. */
static void ring(hp_remote *remote) {
    const hp_message_head head = {HP_WIRE_MAGIC, HP_SAY_WAKE, 0};
    hp_process_send(remote->process, &head, sizeof head, -1);
}

/* A worker that was killed gives no answer, even if it came to one just before: its next user would find it dead. */
static int32_t sleep_until_answered(hp_wait *wait, uint32_t number) {
    hp_page *page = wait->remote->page;
    for (;;) {
        const int64_t longest = keep_deadlines(wait);
        if (wait->killed >= 0 && longest <= 0) return HP_ENDED_DEATH;
        __atomic_store_n(&page->controller_sleeps, 1, __ATOMIC_SEQ_CST);
        if (wait->killed < 0 && is_answered(page, number)) return HP_ENDED_ANSWER;
        const int is_long = longest < 0 || longest > LONGEST_SLEEP;
        const int32_t seen = hp_process_wait(wait->remote->process, is_long ? LONGEST_SLEEP : longest);
        const int drained = seen & HP_SAW_MESSAGE ? drain(wait->remote) : 0; /* now, or they would pile up */
        if (wait->killed < 0 && is_answered(page, number)) return HP_ENDED_ANSWER;
        if (seen & HP_SAW_DEATH) return HP_ENDED_DEATH;
        if (drained != 0) return HP_ENDED_NONSENSE;
        if (seen & HP_SAW_TIMEOUT && page->stage == HP_STAGE_IDLE) ring(wait->remote);
    }
}

void hp_remote_await(hp_remote *remote) {
    hp_waited *waited = remote->waited;
    const uint32_t number = ++remote->calls;
    hp_wait wait = {remote, hp_now(), remote->timeout, remote->grace, -1, 1, 1, waited};
    *waited = (hp_waited){.asked = -1};
    __atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
    hp_page *page = remote->page;
    page->spin_ns = may_spin() ? SPIN : 0;
    page->controller_processor = hp_this_processor();
    __atomic_store_n(&page->called, number, __ATOMIC_SEQ_CST);
    const int was_asleep = __atomic_exchange_n(&page->worker_sleeps, 0, __ATOMIC_SEQ_CST) != 0;
    if (was_asleep) ring(remote);
    const int is_there = pays_to_spin(page, was_asleep) && spin(page, number);
    waited->ending = is_there ? HP_ENDED_ANSWER : sleep_until_answered(&wait, number);
    __atomic_store_n(&page->controller_sleeps, 0, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&waiting, 1, __ATOMIC_RELAXED);
    if (wait.killed < 0) waited->nanoseconds = hp_now() - wait.begin;
    if (waited->ending != HP_ENDED_ANSWER) finish(&wait);
}

/* ---- messages ---- */

/* 1: an answer, whose payload is in `answer`; 0: not yet; -1: nonsense, or the worker's end of it. */
static int take_answer(hp_remote *remote, int32_t *kind, uint8_t *answer, size_t *size) {
    for (int i = 0; i < MOST_AT_ONCE; i++) {
        const int64_t got = hp_process_receive(remote->process, remote->message, sizeof remote->message);
        if (got == 0) return 0;
        hp_message_head head;
        if (got < (int64_t)sizeof head) return -1;
        memcpy(&head, remote->message, sizeof head);
        if (head.magic != HP_WIRE_MAGIC || head.size != (uint64_t)got - sizeof head) return -1;
        if (head.kind == HP_SAY_WAKE) continue;
        if (head.kind != HP_SAY_DONE && head.kind != HP_SAY_REFUSED) return -1;
        *kind = (int32_t)head.kind;
        *size = (size_t)head.size;
        if (answer != NULL) memcpy(answer, remote->message + sizeof head, *size);
        return 1;
    }
    return 0;
}

static int32_t wait_for_message(hp_wait *wait, int32_t *kind, uint8_t *answer, size_t *size) {
    for (;;) {
        const int64_t longest = keep_deadlines(wait);
        if (wait->killed >= 0 && longest <= 0) return HP_ENDED_DEATH;
        const int32_t seen = hp_process_wait(wait->remote->process, longest);
        if (!(seen & (HP_SAW_MESSAGE | HP_SAW_DEATH))) continue;
        const int taken = take_answer(wait->remote, kind, answer, size);
        if (taken > 0 && wait->killed < 0) return HP_ENDED_ANSWER;
        if (seen & HP_SAW_DEATH) return HP_ENDED_DEATH;
        if (taken < 0) return HP_ENDED_NONSENSE;
    }
}

int32_t hp_remote_ask(hp_remote *remote, int32_t kind, const void *payload, size_t payload_size, int32_t descriptor,
                      int64_t nanoseconds, uint8_t *answer, size_t *size, hp_waited *waited) {
    const hp_message_head head = {HP_WIRE_MAGIC, (uint32_t)kind, payload_size};
    const int32_t is_in_call = remote->waited != NULL;
    hp_wait wait = {remote, hp_now(), nanoseconds, is_in_call ? remote->grace : 0, -1, is_in_call, 0, waited};
    int32_t answered = 0;
    *waited = (hp_waited){.asked = -1, .ending = HP_ENDED_DEATH};
    *size = 0;
    if (payload_size > sizeof remote->message - sizeof head) return 0;
    memcpy(remote->message, &head, sizeof head);
    if (payload_size > 0) memcpy(remote->message + sizeof head, payload, payload_size);
    if (hp_process_send(remote->process, remote->message, sizeof head + payload_size, descriptor) == 0)
        waited->ending = wait_for_message(&wait, &answered, answer, size);
    if (wait.killed < 0) waited->nanoseconds = hp_now() - wait.begin;
    if (waited->ending == HP_ENDED_ANSWER) return answered;
    finish(&wait);
    return 0;
}
