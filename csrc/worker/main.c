/* main.c: a worker's life: hello, then messages and calls until the controller is gone. */
#include "core/atomic.h"
#include "core/pause.h"
#include "remote/shared.h"
#include "worker/crash.h"
#include "worker/sandbox.h"
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(hp_crash) <= HP_CRASH_BYTES, "the page has room for it");

/* Calls come one by one; any other number was written by a cell. Not only acquired: it must not be read before this side
 * has said that it goes to sleep. */
static int has_call(const hp_worker *worker) {
    return __atomic_load_n(&worker->page->called, __ATOMIC_SEQ_CST) == worker->served + 1;
}

enum { LONGEST_SPIN = 1000 * 1000 }; /* nanoseconds, should a cell have written over what the controller wants */

/* The next call often comes within microseconds, and waking up takes longer. Not while this worker keeps the controller from
 * its processor. */
static int spin(const hp_worker *worker) {
    const hp_page *page = worker->page;
    const uint32_t wanted = page->spin_ns, longest = wanted < LONGEST_SPIN ? wanted : LONGEST_SPIN;
    if (longest == 0 || page->worker_processor == page->controller_processor) return has_call(worker);
    const int64_t begin = hp_now();
    do
        for (int i = 0; i < 64; i++) {
            if (has_call(worker)) return 1;
            hp_pause();
        }
    while ((uint64_t)(hp_now() - begin) < longest);
    return 0;
}

static void serve_call(hp_worker *worker) {
    hp_page *page = worker->page;
    worker->served++;
    hp_worker_call(worker);
    page->worker_processor = hp_this_processor();
    __atomic_store_n(&page->answered, worker->served, __ATOMIC_SEQ_CST);
    if (__atomic_exchange_n(&page->controller_sleeps, 0, __ATOMIC_SEQ_CST)) hp_worker_send(worker, HP_SAY_WAKE, NULL, 0);
}

/* ---- messages ---- */

/* Puts the policy in force that came with the hello, and answers with what of it is. An empty one asks for nothing. */
static int32_t obey(hp_reader *reader, hp_writer *answer) {
    static hp_policy policy;
    hp_enforced enforced;
    char why[96];
    size_t size;
    const char *bytes = hp_get_bytes(reader, &size);
    if (reader->bad || (size > 0 && hp_policy_read(&policy, bytes, size) != 0)) {
        hp_put_text(answer, "this worker can't read the policy that it was given");
        return HP_SAY_REFUSED;
    }
    if (size == 0) return HP_SAY_DONE;
    const int32_t refused = hp_sandbox_apply(&policy, &enforced);
    if (refused != 0) {
        const char *name = refused > 0 ? hp_control_name(refused - 1) : NULL;
        snprintf(why, sizeof why, "this machine can't enforce the policy's %s", name != NULL ? name : "contents");
        hp_put_text(answer, why);
        return HP_SAY_REFUSED;
    }
    hp_put_bytes(answer, &enforced, sizeof enforced);
    return HP_SAY_DONE;
}

static int32_t greet(hp_worker *worker, hp_reader *reader, hp_writer *answer) {
    const uint64_t protocol = hp_get_u64(reader), interface = hp_get_u64(reader);
    if (reader->bad || protocol != HP_PROTOCOL || interface != HP_ABI_VERSION) {
        char why[160];
        snprintf(why, sizeof why, "this worker speaks protocol %d for cells of interface %d, and was asked for %llu and %llu",
                 HP_PROTOCOL, HP_ABI_VERSION, (unsigned long long)protocol, (unsigned long long)interface);
        hp_put_text(answer, why);
        return HP_SAY_REFUSED;
    }
    hp_crash_arm((hp_crash *)(void *)worker->page->crash); /* without it a crash is known by its signal alone */
    if (obey(reader, answer) != HP_SAY_DONE) return HP_SAY_REFUSED;
    if (hp_worker_watch_controller(worker) == 0) return HP_SAY_DONE;
    hp_put_text(answer, "this worker can't start the thread that ends it with its controller");
    return HP_SAY_REFUSED;
}

static int32_t answer_to(hp_worker *worker, const hp_message_head *head, hp_reader *reader, int32_t descriptor, hp_writer *answer) {
    switch (head->kind) {
    case HP_SAY_HELLO:
        return greet(worker, reader, answer);
    case HP_SAY_ARENA:
        return hp_worker_map(worker, reader, descriptor, answer);
    case HP_SAY_OPEN:
        return hp_worker_open(worker, reader, answer);
    default:
        hp_put_text(answer, "there is no such message");
        return HP_SAY_REFUSED;
    }
}

/* Returns 0 when it is time to go. */
static int serve_message(hp_worker *worker) {
    static uint8_t message[HP_MESSAGE_MAX], payload[HP_MESSAGE_MAX - sizeof(hp_message_head)];
    int32_t descriptor = -1;
    hp_message_head head;
    const size_t size = hp_worker_receive(worker, message, &descriptor);
    if (size < sizeof head) return 0;
    memcpy(&head, message, sizeof head);
    if (head.magic != HP_WIRE_MAGIC || head.size != size - sizeof head || head.kind == HP_SAY_LEAVE) return 0;
    if (head.kind == HP_SAY_WAKE) return 1;
    hp_reader reader = {message + sizeof head, message + size, 0};
    hp_writer answer = {payload, payload + sizeof payload, 0};
    const int32_t kind = answer_to(worker, &head, &reader, descriptor, &answer);
    if (hp_worker_process() != worker->process) _Exit(0);
    hp_worker_check_connection(worker);
    fflush(NULL);
    worker->page->stage = HP_STAGE_IDLE;
    hp_worker_send(worker, kind, payload, (size_t)(answer.at - payload));
    return 1;
}

int main(void) {
    hp_worker worker = {0};
    if (hp_worker_attach(&worker) != 0) {
        fputs("hotplate's worker is started by hotplate, with descriptors that it alone has\n", stderr);
        return 2;
    }
    for (;;) {
        if (spin(&worker)) {
            serve_call(&worker);
            continue;
        }
        __atomic_store_n(&worker.page->worker_sleeps, 1, __ATOMIC_SEQ_CST);
        if (!has_call(&worker) && !serve_message(&worker)) break;
        __atomic_store_n(&worker.page->worker_sleeps, 0, __ATOMIC_RELAXED);
    }
    worker.page->stage = HP_STAGE_CLOSE;
    exit(0); /* with the destructors of global objects */
}
