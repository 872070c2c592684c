/* table.h: which blocks of an arena are in use, by their offset. Lies in private memory. The caller holds the lock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLATE_REMOTE_TABLE_H
#define HOTPLATE_REMOTE_TABLE_H

#include <stddef.h>
#include <stdint.h>

typedef struct hp_table_entry {
    uint64_t offset;
    int32_t class; /* the block's size class; negative: no block */
} hp_table_entry;

/* Open addressing. All zero is an empty table. */
typedef struct hp_table {
    hp_table_entry *entries;
    size_t slots;  /* a power of two, or 0 */
    size_t filled; /* slots that end no search: with a block, or where one was */
    size_t count;  /* blocks */
} hp_table;

/* Makes room for one more block. 0, or -1 when there is no memory; then nothing has changed. */
int32_t hp_table_reserve(hp_table *table);
/* Adds a block that is not in it. There must be room. */
void hp_table_add(hp_table *table, uint64_t offset, int32_t class);
/* Takes a block out and returns its class; -1: there is none. */
int32_t hp_table_remove(hp_table *table, uint64_t offset);
void hp_table_free(hp_table *table);

#endif
