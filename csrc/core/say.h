/* say.h: the messages between a controller and a worker, each in one packet of their private socket.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_SAY_H
#define HOTPLATE_SAY_H

#include <stdint.h>

enum { HP_WIRE_MAGIC = 0x31574850, HP_MESSAGE_MAX = 1 << 16 };

/* Requests are answered by DONE, or by REFUSED with the reason in words. */
enum {
    HP_SAY_HELLO = 1, /* protocol, version of the cell interface, policy; answered by what is enforced */
    HP_SAY_ARENA = 2, /* number, size, whether it may be written to; with a descriptor */
    HP_SAY_OPEN = 3,  /* number and path of a library; answered by its cell's description, or nothing if it has none */
    HP_SAY_LEAVE = 5, /* end in order; no answer */
    HP_SAY_WAKE = 6,  /* there is a call, or an answer, in the page */
    HP_SAY_DONE = 16,
    HP_SAY_REFUSED = 17
};

/* What every message begins with. */
typedef struct hp_message_head {
    uint32_t magic;
    uint32_t kind;
    uint64_t size; /* of what follows */
} hp_message_head;

#endif
