#include "internal.h"

// The type of a register's entry value, which stands in the expression within.
// libdw gives that expression a unit of its own, without DIEs: `location` has the real one.
static void read_entry_type(Dwarf_Attribute *location, Dwarf_Attribute *within,
                            struct csdw_operation *ret)
{
    Dwarf_Op *operations = NULL;
    size_t count = 0;
    Dwarf_Die die;
    if (dwarf_getlocation(within, &operations, &count) == 0 && count == 1 &&
        (operations[0].atom == DW_OP_regval_type ||
         operations[0].atom == DW_OP_GNU_regval_type) &&
        dwarf_getlocation_die(location, &operations[0], &die) == 0) {
        ret->die = csdw_die_address(&die);
    }
}

// Where an operation's operands stand outside of the operation.
static void read_operand(Dwarf_Attribute *location, const Dwarf_Op *operation,
                         struct csdw_operation *ret)
{
    Dwarf_Attribute attribute;
    Dwarf_Block block;
    Dwarf_Die die;
    switch (operation->atom) {
    case DW_OP_implicit_value:
        if (dwarf_getlocation_implicit_value(location, operation, &block) == 0) {
            ret->block = block.data;
            ret->block_size = block.length;
        }
        return;
    case DW_OP_entry_value:
    case DW_OP_GNU_entry_value:
        if (dwarf_getlocation_attr(location, operation, &attribute) == 0 &&
            dwarf_formblock(&attribute, &block) == 0) {
            ret->block = block.data;
            ret->block_size = block.length;
            read_entry_type(location, &attribute, ret);
        }
        return;
    case DW_OP_const_type:
    case DW_OP_GNU_const_type:
        if (dwarf_getlocation_attr(location, operation, &attribute) == 0 &&
            dwarf_formblock(&attribute, &block) == 0) {
            ret->block = block.data;
            ret->block_size = block.length;
        }
        break;
    case DW_OP_addrx:
    case DW_OP_GNU_addr_index:
        if (dwarf_getlocation_attr(location, operation, &attribute) == 0) {
            dwarf_formaddr(&attribute, &ret->number);
            ret->atom = DW_OP_addr;
        }
        return;
    case DW_OP_constx:
    case DW_OP_GNU_const_index:
        if (dwarf_getlocation_attr(location, operation, &attribute) == 0) {
            dwarf_formudata(&attribute, &ret->number);
            ret->atom = DW_OP_const8u;
        }
        return;
    }
    if (dwarf_getlocation_die(location, operation, &die) == 0) {
        ret->die = csdw_die_address(&die);
    }
}

int csdw_location(Dwarf *dwarf, uint64_t address, uint32_t name, uint64_t pc,
                  size_t capacity, struct csdw_operation *ret, size_t *count_ret)
{
    Dwarf_Die die;
    Dwarf_Attribute attribute;
    *count_ret = 0;
    if (csdw_die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_attr(&die, name, &attribute) == NULL) {
        return -ENOENT;
    }
    Dwarf_Op *operations = NULL;
    size_t count = 0;
    int found = dwarf_getlocation_addr(&attribute, pc, &operations, &count, 1);
    if (found <= 0) {
        return found == 0 ? -ENXIO : -EINVAL;
    }
    for (size_t i = 0; i < count && i < capacity; i++) {
        memset(&ret[i], 0, sizeof ret[i]);
        ret[i].atom = operations[i].atom;
        ret[i].number = operations[i].number;
        ret[i].number2 = operations[i].number2;
        ret[i].offset = operations[i].offset;
        read_operand(&attribute, &operations[i], &ret[i]);
    }
    *count_ret = count;
    return 0;
}
