#include "internal.h"

#include <stdlib.h>

void csdw_table_init(struct csdw_table *table, size_t width)
{
    memset(table, 0, sizeof *table);
    table->width = width;
    table->complete = 1;
}

void csdw_table_deinit(struct csdw_table *table)
{
    free(table->words);
    table->words = NULL;
    table->count = 0;
    table->capacity = 0;
}

int csdw_table_add(struct csdw_table *table, const uint64_t *row)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 64;
        if (capacity > SIZE_MAX / sizeof(uint64_t) / table->width) {
            return -ENOMEM;
        }
        uint64_t *words =
            realloc(table->words, capacity * table->width * sizeof(uint64_t));
        if (words == NULL) {
            return -ENOMEM;
        }
        table->words = words;
        table->capacity = capacity;
    }
    memcpy(table->words + table->count * table->width, row,
           table->width * sizeof(uint64_t));
    table->count++;
    return 0;
}

bool csdw_spend(struct csdw_table *table, size_t budget)
{
    if (table->visited >= budget) {
        table->complete = 0;
        return false;
    }
    table->visited++;
    return true;
}
