#include "internal.h"

enum {
    // libdw reads an address range list one range per call.
    MAXIMUM_RANGES = 65536,
};

// Rows of an unit's or function's ranges: DIE, low, high; or low, high, DIE.
int csdw_add_ranges(Dwarf_Die *die, bool die_last, struct csdw_table *ret)
{
    uint64_t name = csdw_die_address(die);
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
        uint64_t last[3] = {low, high, name};
        uint64_t first[3] = {name, low, high};
        if (csdw_table_add(ret, die_last ? last : first) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

// libdw clears the sub DIE of a skeleton whose split file it cannot find.
static bool split_die(const Dwarf_Die *sub, uint8_t unit_type)
{
    return unit_type == DW_UT_skeleton && sub->addr != NULL;
}

int csdw_unit_ranges(Dwarf *dwarf, struct csdw_table *ret)
{
    csdw_table_init(ret, 3);
    Dwarf_CU *unit = NULL;
    uint8_t type = 0;
    Dwarf_Die die;
    Dwarf_Die sub;
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, &sub) == 0) {
        if (die.addr == NULL || type == DW_UT_type || type == DW_UT_partial) {
            continue;
        }
        if (csdw_add_ranges(&die, false, ret) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
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

int csdw_unit_at(Dwarf *dwarf, uint64_t pc, uint64_t *ret)
{
    Dwarf_Die die;
    *ret = dwarf_addrdie(dwarf, pc, &die) == NULL ? 0 : csdw_die_address(&die);
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
