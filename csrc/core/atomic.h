/* atomic.h: for Visual C++, which has no C11 atomics, the few operations of gcc and clang that hotplate uses. All of them
 * are on numbers of 32 bits, and all are sequentially consistent here, whatever order is asked for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_ATOMIC_H
#define HOTPLATE_ATOMIC_H

#if defined(_MSC_VER) && !defined(__clang__)

#include <intrin.h>
#include <stdint.h>

_Static_assert(sizeof(long) == sizeof(int32_t), "what _InterlockedExchange works on");

#define __ATOMIC_RELAXED 0
#define __ATOMIC_ACQUIRE 2
#define __ATOMIC_RELEASE 3
#define __ATOMIC_ACQ_REL 4
#define __ATOMIC_SEQ_CST 5

/* Of the operand's own type would be better, but C11 without `typeof` can't name it: numbers up to INT32_MAX are safe, and
 * comparing a larger one with an unsigned number is, too. */
#define __atomic_load_n(at, order) _InterlockedOr((volatile long *)(at), 0)
#define __atomic_exchange_n(at, value, order) _InterlockedExchange((volatile long *)(at), (long)(value))
#define __atomic_store_n(at, value, order) ((void)__atomic_exchange_n(at, value, order))
#define __atomic_add_fetch(at, value, order) (_InterlockedExchangeAdd((volatile long *)(at), (long)(value)) + (value))
#define __atomic_sub_fetch(at, value, order) __atomic_add_fetch(at, -(value), order)
#define __atomic_compare_exchange_n(at, expected, value, weak, order, otherwise) \
    hp_compare_exchange((volatile long *)(at), (expected), (long)(value))

static inline int hp_compare_exchange(volatile long *at, int32_t *expected, long value) {
    const long before = _InterlockedCompareExchange(at, value, *expected);
    const int exchanged = before == *expected;
    *expected = (int32_t)before;
    return exchanged;
}

#endif

#endif
