/* inside.h: what the files of this folder share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_INSIDE_H
#define HOTPLATE_REMOTE_INSIDE_H

#include "core/page.h"
#include "core/say.h"
#include "remote/process.h"
#include "remote/remote.h"
#include "remote/shared.h"

enum { HP_KNOWN_ARENAS = 256 };

struct hp_remote {
    hp_process *process;
    hp_page *page;
    hp_shared shared; /* the page's memory */
    hp_arena *arena;
    uint32_t known[HP_KNOWN_ARENAS]; /* the arenas that the worker has mapped */
    int32_t nknown;
    int32_t reason; /* why it is asked to stop; the first one counts */
    int64_t timeout;
    int64_t grace;
    hp_waited *waited;
};

/* Waits until the page's call of this number is answered. */
void hp_remote_await(hp_remote *remote, uint32_t number);
/* Makes an arena known to the worker, if it is not. 0, or -1 when the worker is gone; then `waited` says how. */
int32_t hp_remote_introduce(hp_remote *remote, hp_arena *arena);

#endif
