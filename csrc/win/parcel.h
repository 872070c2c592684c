/* parcel.h (Windows): what goes from a controller to a worker, each in one message of their pipe. The other way, messages
 * go as they are.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_WIN_PARCEL_H
#define HOTPLATE_WIN_PARCEL_H

#include "core/say.h"

#include <stdint.h>

typedef struct hp_parcel {
    int64_t handle; /* one that the worker has been given with this message, by its number there; -1: none */
    uint8_t message[HP_MESSAGE_MAX];
} hp_parcel;

#endif
