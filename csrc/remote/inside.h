/* inside.h: what the files of this folder share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_INSIDE_H
#define HOTPLATE_REMOTE_INSIDE_H

#include "core/atomic.h"
#include "core/page.h"
#include "core/say.h"
#include "remote/process.h"
#include "remote/remote.h"
#include "remote/shared.h"

struct hp_remote {
    hp_process *process;
    hp_page *page;
    hp_shared shared; /* the page's memory */
    hp_arena *arena;
    uint32_t *known; /* the arenas that the worker has mapped */
    size_t nknown;
    size_t known_room;
    uint32_t calls; /* how many there were; what the page says of it may be anything */
    int32_t reason; /* why it is asked to stop; the first one counts */
    int64_t timeout;
    int64_t grace;
    hp_waited *waited; /* of the calls under way; NULL: there are none, and requests to stop mean nothing */
    uint8_t message[HP_MESSAGE_MAX];
};

/* Hands over the call that lies in the page, and waits until it is answered. */
void hp_remote_await(hp_remote *remote);
/* Kills the worker and waits for its death: whoever gets its memory next must be alone with it. */
void hp_remote_end(hp_remote *remote);
/* Makes an arena known to the worker, if it is not. HP_OK, HP_REMOTE_MEMORY, or HP_REMOTE_GONE; then `waited` says how. */
int32_t hp_remote_introduce(hp_remote *remote, hp_arena *arena);

#endif
