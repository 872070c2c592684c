/* table.c: the blocks in use as a hash table with linear probing. */
#include "remote/table.h"

#include <stdlib.h>

enum { EMPTY = -1, REMOVED = -2, FIRST_SLOTS = 64 };

static size_t slot_of(const hp_table *table, uint64_t offset) {
    return (size_t)(offset * 0x9E3779B97F4A7C15ull >> 26) & (table->slots - 1);
}

/* At most half of the slots are filled, so every search ends at an empty one. */
int32_t hp_table_reserve(hp_table *table) {
    if (2 * (table->filled + 1) < table->slots) return 0;
    /* Where most were removed, the same size is enough, without them. */
    const size_t slots = 4 * (table->count + 1) < table->slots ? table->slots : table->slots ? 2 * table->slots : FIRST_SLOTS;
    hp_table larger = {malloc(slots * sizeof *larger.entries), slots, 0, 0};
    if (larger.entries == NULL) return -1;
    for (size_t i = 0; i < slots; i++) larger.entries[i].class = EMPTY;
    for (size_t i = 0; i < table->slots; i++)
        if (table->entries[i].class >= 0) hp_table_add(&larger, table->entries[i].offset, table->entries[i].class);
    free(table->entries);
    *table = larger;
    return 0;
}

void hp_table_add(hp_table *table, uint64_t offset, int32_t class) {
    size_t i = slot_of(table, offset);
    while (table->entries[i].class >= 0) i = (i + 1) & (table->slots - 1);
    table->filled += table->entries[i].class == EMPTY;
    table->entries[i] = (hp_table_entry){offset, class};
    table->count++;
}

int32_t hp_table_remove(hp_table *table, uint64_t offset) {
    if (table->count == 0) return -1;
    for (size_t i = slot_of(table, offset); table->entries[i].class != EMPTY; i = (i + 1) & (table->slots - 1)) {
        hp_table_entry *entry = &table->entries[i];
        if (entry->class < 0 || entry->offset != offset) continue;
        const int32_t class = entry->class;
        entry->class = REMOVED;
        table->count--;
        return class;
    }
    return -1;
}

void hp_table_free(hp_table *table) {
    free(table->entries);
    *table = (hp_table){NULL, 0, 0, 0};
}
