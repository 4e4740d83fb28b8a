#include "internal.h"

static bool holds_functions(uint32_t tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
           tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
           tag == DW_TAG_module || tag == DW_TAG_enumeration_type;
}

// A walk over a unit: what is added, and whose children are looked at.
struct unit_walk {
    int (*add)(Dwarf_Die *die, uint32_t tag, struct csdw_table *ret);
    bool (*enters)(uint32_t tag);
    size_t budget;
    struct csdw_table *ret;
};

static int walk_children(Dwarf_Die *parent, int depth, const struct unit_walk *walk)
{
    Dwarf_Die child;
    int end = depth > CSDW_MAXIMUM_DEPTH ? 1 : csdw_first_child(parent, &child);
    for (; !end; end = csdw_next_sibling(&child, &child)) {
        if (!csdw_spend(walk->ret, walk->budget)) {
            return 0;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        if (walk->add(&child, tag, walk->ret) != 0) {
            return -ENOMEM;
        }
        if (walk->enters(tag) && walk_children(&child, depth + 1, walk) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int walk_unit(Dwarf *dwarf, uint64_t unit, const struct unit_walk *walk)
{
    csdw_table_init(walk->ret, 3);
    Dwarf_Die die;
    if (csdw_die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    return walk_children(&die, 0, walk);
}

static bool is_any(uint32_t tag)
{
    (void)tag;
    return true;
}

static int add_function(Dwarf_Die *die, uint32_t tag, struct csdw_table *ret)
{
    return tag == DW_TAG_subprogram ? csdw_ranges_add(die, ret) : 0;
}

int csdw_functions(Dwarf *dwarf, uint64_t unit, int deep, size_t budget,
                   struct csdw_table *ret)
{
    struct unit_walk walk = {add_function, deep ? is_any : holds_functions, budget, ret};
    int error = walk_unit(dwarf, unit, &walk);
    csdw_ranges_sort(ret);
    return error;
}

struct scope_walk {
    uint64_t pc;
    uint64_t return_pc;
    size_t budget;
    struct csdw_table *ret;
};

static bool is_scope(uint32_t tag)
{
    return tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine ||
           tag == DW_TAG_try_block || tag == DW_TAG_catch_block ||
           tag == DW_TAG_with_stmt;
}

static bool is_variable(uint32_t tag)
{
    return tag == DW_TAG_formal_parameter || tag == DW_TAG_variable;
}

static bool is_call_site_of(Dwarf_Die *die, uint32_t tag, uint64_t return_pc)
{
    if (tag != DW_TAG_call_site && tag != DW_TAG_GNU_call_site) {
        return false;
    }
    unsigned int name =
        tag == DW_TAG_call_site ? DW_AT_call_return_pc : DW_AT_low_pc;
    Dwarf_Attribute attribute;
    Dwarf_Addr address = 0;
    return dwarf_attr(die, name, &attribute) != NULL &&
           dwarf_formaddr(&attribute, &address) == 0 && address == return_pc;
}

static bool has_addresses(Dwarf_Die *die)
{
    return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

static int walk_scopes(Dwarf_Die *parent, uint64_t scope, int depth,
                       const struct scope_walk *walk);

static int enter_scope(Dwarf_Die *die, uint32_t tag, uint64_t scope, int depth,
                       const struct scope_walk *walk)
{
    if (!has_addresses(die)) {
        return tag == DW_TAG_inlined_subroutine
                   ? 0
                   : walk_scopes(die, scope, depth + 1, walk);
    }
    if (dwarf_haspc(die, walk->pc) != 1) {
        return 0;
    }
    uint64_t row[3] = {csdw_die_address(die), tag, scope};
    uint64_t own = walk->ret->count;
    if (csdw_table_add(walk->ret, row) != 0) {
        return -ENOMEM;
    }
    return walk_scopes(die, own, depth + 1, walk);
}

static int walk_scopes(Dwarf_Die *parent, uint64_t scope, int depth,
                       const struct scope_walk *walk)
{
    Dwarf_Die child;
    int end = depth > CSDW_MAXIMUM_DEPTH ? 1 : csdw_first_child(parent, &child);
    for (; !end; end = csdw_next_sibling(&child, &child)) {
        if (!csdw_spend(walk->ret, walk->budget)) {
            return 0;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        int error = 0;
        if (is_variable(tag) || is_call_site_of(&child, tag, walk->return_pc)) {
            uint64_t row[3] = {csdw_die_address(&child), tag, scope};
            error = csdw_table_add(walk->ret, row);
        } else if (is_scope(tag)) {
            error = enter_scope(&child, tag, scope, depth, walk);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

int csdw_scopes(Dwarf *dwarf, uint64_t function, uint64_t pc, uint64_t return_pc,
                size_t budget, struct csdw_table *ret)
{
    csdw_table_init(ret, 3);
    Dwarf_Die die;
    if (csdw_die_at(dwarf, function, &die) != 0) {
        return -EINVAL;
    }
    struct scope_walk walk = {
        .pc = pc, .return_pc = return_pc, .budget = budget, .ret = ret};
    return walk_scopes(&die, UINT64_MAX, 0, &walk);
}

static bool is_named_type(uint32_t tag)
{
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
           tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

static int add_type(Dwarf_Die *die, uint32_t tag, struct csdw_table *ret)
{
    if (!is_named_type(tag) || dwarf_hasattr(die, DW_AT_declaration)) {
        return 0;
    }
    const char *name = dwarf_diename(die);
    if (name == NULL) {
        return 0;
    }
    uint64_t row[3] = {csdw_die_address(die), tag, (uint64_t)(uintptr_t)name};
    return csdw_table_add(ret, row);
}

size_t csdw_types_find(const struct csdw_table *table, const char *name, int template,
                       size_t from)
{
    size_t length = strlen(name);
    for (size_t i = from; i < table->count; i++) {
        const char *other = (const char *)(uintptr_t)table->words[i * table->width + 2];
        if (strncmp(other, name, length) == 0 &&
            (other[length] == '\0' || (template && other[length] == '<'))) {
            return i;
        }
    }
    return table->count;
}

int csdw_types(Dwarf *dwarf, uint64_t unit, size_t budget, struct csdw_table *ret)
{
    struct unit_walk walk = {add_type, holds_functions, budget, ret};
    return walk_unit(dwarf, unit, &walk);
}

// The address of a variable whose location is nothing but that.
static uint64_t fixed_address(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *operations = NULL;
    size_t count = 0;
    if (dwarf_attr(die, DW_AT_location, &attribute) == NULL ||
        dwarf_getlocation(&attribute, &operations, &count) != 0 || count != 1) {
        return 0;
    }
    Dwarf_Addr address = 0;
    Dwarf_Attribute operand;
    switch (operations[0].atom) {
    case DW_OP_addr:
        return operations[0].number;
    case DW_OP_addrx:
    case DW_OP_GNU_addr_index:
        if (dwarf_getlocation_attr(&attribute, operations, &operand) == 0) {
            dwarf_formaddr(&operand, &address);
        }
        return address;
    }
    return 0;
}

static bool holds_variables(uint32_t tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_module;
}

static int add_variable(Dwarf_Die *die, uint32_t tag, struct csdw_table *ret)
{
    if (tag != DW_TAG_variable ||
        (!dwarf_hasattr(die, DW_AT_location) && !dwarf_hasattr(die, DW_AT_const_value))) {
        return 0;
    }
    Dwarf_Attribute attribute;
    const char *name = NULL;
    if (dwarf_attr_integrate(die, DW_AT_name, &attribute) != NULL) {
        name = dwarf_formstring(&attribute);
    }
    uint64_t row[3] = {csdw_die_address(die), (uint64_t)(uintptr_t)name,
                       fixed_address(die)};
    return csdw_table_add(ret, row);
}

int csdw_variables(Dwarf *dwarf, uint64_t unit, size_t budget, struct csdw_table *ret)
{
    struct unit_walk walk = {add_variable, holds_variables, budget, ret};
    return walk_unit(dwarf, unit, &walk);
}
