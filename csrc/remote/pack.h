/* pack.h: arrays whose elements lie one behind the other.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_PACK_H
#define HOTPLATE_REMOTE_PACK_H

#include "hotplate.h"

#include <stddef.h>
#include <stdint.h>

/* The bytes of all elements. */
size_t hp_packed_size(const hp_tensor *tensor);
/* Whether they lie one behind the other already, the last axis first. */
int32_t hp_is_packed(const hp_tensor *tensor);
/* Copies them so, whatever the strides. */
void hp_pack(void *to, const hp_tensor *tensor);

#endif
