/* pause.h: what a thread does between two looks at what another one will write.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_PAUSE_H
#define HOTPLATE_PAUSE_H

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* A few nanoseconds in which the processor gives its other thread way and saves power. */
static inline void hp_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(_M_X64) && !defined(__clang__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
