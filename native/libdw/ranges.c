#include "internal.h"

#include <stdlib.h>

enum {
    WIDTH = 3, // low, high, DIE
    // Ranges looked back at for one that spans an inner one.
    MAXIMUM_OVERLAP = 64,
    // libdw reads an address range list one range per call.
    MAXIMUM_RANGES = 65536,
};

int csdw_ranges_add(Dwarf_Die *die, struct csdw_table *ret)
{
    Dwarf_Addr base = 0;
    Dwarf_Addr low = 0;
    Dwarf_Addr high = 0;
    ptrdiff_t offset = 0;
    for (int i = 0; i < MAXIMUM_RANGES; i++) {
        offset = dwarf_ranges(die, offset, &base, &low, &high);
        if (offset <= 0) {
            break;
        }
        if (high <= low) {
            continue;
        }
        uint64_t row[WIDTH] = {low, high, csdw_die_address(die)};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int compare(const void *one, const void *other)
{
    const uint64_t *left = one;
    const uint64_t *right = other;
    for (size_t i = 0; i < WIDTH; i++) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

void csdw_ranges_sort(struct csdw_table *table)
{
    if (table->count != 0) {
        qsort(table->words, table->count, WIDTH * sizeof(uint64_t), compare);
    }
}

// Rows that start at or below pc.
static size_t count_below(const struct csdw_table *table, uint64_t pc)
{
    size_t first = 0;
    size_t last = table->count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (table->words[middle * WIDTH] <= pc) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return first;
}

int csdw_ranges_find(const struct csdw_table *table, uint64_t pc, uint64_t *ret)
{
    size_t below = count_below(table, pc);
    size_t oldest = below > MAXIMUM_OVERLAP ? below - MAXIMUM_OVERLAP : 0;
    for (size_t i = below; i > oldest; i--) {
        const uint64_t *row = table->words + (i - 1) * WIDTH;
        if (pc < row[1]) {
            memcpy(ret, row, WIDTH * sizeof(uint64_t));
            return 1;
        }
    }
    return 0;
}
