#include "internal.h"

#include <stdlib.h>

// libdw clears the sub DIE of a skeleton whose split file it cannot find.
static bool split_die(const Dwarf_Die *sub, uint8_t unit_type)
{
    return unit_type == DW_UT_skeleton && sub->addr != NULL;
}

static int compare_words(const void *one, const void *other)
{
    uint64_t left = *(const uint64_t *)one;
    uint64_t right = *(const uint64_t *)other;
    return left < right ? -1 : left > right;
}

// The offsets that a table of ranges names, sorted.
static int add_offsets(const struct csdw_table *ranges, struct csdw_table *ret)
{
    uint64_t last = 0;
    csdw_table_init(ret, 1);
    for (size_t i = 0; i < ranges->count; i++) {
        uint64_t offset = ranges->words[i * ranges->width + 2];
        if ((i == 0 || offset != last) && csdw_table_add(ret, &offset) != 0) {
            return -ENOMEM;
        }
        last = offset;
    }
    if (ret->count != 0) {
        qsort(ret->words, ret->count, sizeof(uint64_t), compare_words);
    }
    return 0;
}

// The offset of a unit's header, by its DIE.
static uint64_t header_offset(Dwarf_Die *unit)
{
    return dwarf_dieoffset(unit) - dwarf_cuoffset(unit);
}

static bool is_among(const struct csdw_table *offsets, uint64_t offset)
{
    return offsets->count != 0 && bsearch(&offset, offsets->words, offsets->count,
                                          sizeof(uint64_t), compare_words) != NULL;
}

static int add_unlisted_ranges(Dwarf *dwarf, const struct csdw_table *listed,
                               struct csdw_table *ret)
{
    Dwarf_CU *unit = NULL;
    uint8_t type = 0;
    Dwarf_Die die;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
        if (die.addr == NULL || type == DW_UT_type || type == DW_UT_partial ||
            is_among(listed, header_offset(&die))) {
            continue;
        }
        if (csdw_ranges_add(&die, ret) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_unlisted_ranges(Dwarf *dwarf, const struct csdw_table *listed,
                         struct csdw_table *ret)
{
    struct csdw_table offsets;
    csdw_table_init(ret, 3);
    int error = add_offsets(listed, &offsets);
    if (error == 0) {
        error = add_unlisted_ranges(dwarf, &offsets, ret);
    }
    csdw_table_deinit(&offsets);
    csdw_ranges_sort(ret);
    return error;
}

int csdw_has_units(Dwarf *dwarf)
{
    Dwarf_CU *unit = NULL;
    return dwarf_get_units(dwarf, NULL, &unit, NULL, NULL, NULL, NULL) == 0;
}

int csdw_units(Dwarf *dwarf, struct csdw_table *ret)
{
    csdw_table_init(ret, 2);
    Dwarf_CU *unit = NULL;
    uint8_t type = 0;
    Dwarf_Die die;
    Dwarf_Die sub;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, &sub) == 0) {
        Dwarf_Die *chosen = split_die(&sub, type) ? &sub : &die;
        if (chosen->addr == NULL) {
            continue;
        }
        uint64_t row[2] = {csdw_die_address(chosen), (uint64_t)dwarf_tag(chosen)};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_unit_of(Dwarf *dwarf, uint64_t address, uint64_t *ret, uint64_t *split_ret)
{
    Dwarf_Die die;
    Dwarf_Die unit;
    Dwarf_Die sub;
    uint8_t type = 0;
    *ret = 0;
    *split_ret = 0;
    if (csdw_die_at(dwarf, address, &die) != 0 ||
        dwarf_cu_info(die.cu, NULL, &type, &unit, &sub, NULL, NULL, NULL) != 0) {
        return -EINVAL;
    }
    *ret = csdw_die_address(&unit);
    if (split_die(&sub, type)) {
        *split_ret = csdw_die_address(&sub);
    }
    return 0;
}
