#include "libdw_glue.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    // Scopes nest no deeper in programs that people write; deeper input is damaged.
    MAXIMUM_DEPTH = 256,
    // libdw reads an address range list one range per call.
    MAXIMUM_RANGES = 65536,
};

static void csdw_table_init(struct csdw_table *table, size_t width)
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

static int csdw_table_add(struct csdw_table *table, const uint64_t *row)
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

static uint64_t die_address(const Dwarf_Die *die)
{
    return (uint64_t)(uintptr_t)die->addr;
}

static int die_at(Dwarf *dwarf, uint64_t address, Dwarf_Die *ret)
{
    if (address == 0) {
        return -EINVAL;
    }
    void *pointer = (void *)(uintptr_t)address;
    return dwarf_die_addr_die(dwarf, pointer, ret) == NULL ? -EINVAL : 0;
}

// The next sibling; 1 at the end. A sibling attribute that points backwards would make
// the walk endless, so such a list ends there.
static int next_sibling(Dwarf_Die *die, Dwarf_Die *ret)
{
    Dwarf_Die next;
    if (dwarf_siblingof(die, &next) != 0) {
        return 1;
    }
    if ((uintptr_t)next.addr <= (uintptr_t)die->addr) {
        return 1;
    }
    *ret = next;
    return 0;
}

static int first_child(Dwarf_Die *die, Dwarf_Die *ret)
{
    return dwarf_child(die, ret) == 0 ? 0 : 1;
}

static bool spend(struct csdw_table *table, size_t budget)
{
    if (table->visited >= budget) {
        table->complete = 0;
        return false;
    }
    table->visited++;
    return true;
}

static uint64_t reference(Dwarf_Attribute *attribute)
{
    Dwarf_Die die;
    return dwarf_formref_die(attribute, &die) == NULL ? 0 : die_address(&die);
}

static bool flag_of(Dwarf_Attribute *attribute)
{
    bool flag = false;
    return dwarf_formflag(attribute, &flag) == 0 && flag;
}

static uint32_t small_number(Dwarf_Attribute *attribute)
{
    Dwarf_Word word = 0;
    if (dwarf_formudata(attribute, &word) != 0 || word > UINT32_MAX) {
        return 0;
    }
    return (uint32_t)word;
}

static bool is_expression_form(unsigned int form)
{
    return form == DW_FORM_exprloc || form == DW_FORM_block || form == DW_FORM_block1 ||
           form == DW_FORM_block2 || form == DW_FORM_block4;
}

static void set_flag(struct csdw_die *ret, uint32_t flag, Dwarf_Attribute *attribute)
{
    if (flag_of(attribute)) {
        ret->flags |= flag;
    }
}

static void set_word(struct csdw_die *ret, uint32_t flag, Dwarf_Attribute *attribute,
                     uint64_t *word)
{
    Dwarf_Word value = 0;
    if (dwarf_formudata(attribute, &value) == 0) {
        *word = value;
        ret->flags |= flag;
    }
}

static void set_signed(struct csdw_die *ret, uint32_t flag, Dwarf_Attribute *attribute,
                       int64_t *word)
{
    Dwarf_Sword value = 0;
    if (dwarf_formsdata(attribute, &value) == 0) {
        *word = value;
        ret->flags |= flag;
    }
}

static void set_size(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    if (is_expression_form(dwarf_whatform(attribute)) ||
        dwarf_hasform(attribute, DW_FORM_sec_offset)) {
        ret->flags |= CSDW_BYTE_SIZE_EXPRESSION;
        return;
    }
    set_word(ret, CSDW_BYTE_SIZE, attribute, &ret->byte_size);
}

static void set_member_location(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    if (!is_expression_form(dwarf_whatform(attribute))) {
        // A member location is an unsigned constant; data1 0x80 must not turn negative.
        uint64_t location = 0;
        set_word(ret, CSDW_MEMBER_LOCATION, attribute, &location);
        ret->member_location = (int64_t)location;
        return;
    }
    // GCC up to 4.9 and -gdwarf-2 write the constant as DW_OP_plus_uconst.
    Dwarf_Op *operations = NULL;
    size_t count = 0;
    if (dwarf_getlocation(attribute, &operations, &count) == 0 && count == 1 &&
        operations[0].atom == DW_OP_plus_uconst) {
        ret->member_location = (int64_t)operations[0].number;
        ret->flags |= CSDW_MEMBER_LOCATION;
        return;
    }
    ret->flags |= CSDW_MEMBER_LOCATION_EXPRESSION;
}

static void set_low_pc(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    Dwarf_Addr address = 0;
    if (dwarf_formaddr(attribute, &address) == 0) {
        ret->low_pc = address;
        ret->flags |= CSDW_LOW_PC;
    }
}

static void read_reference(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    switch (dwarf_whatattr(attribute)) {
    case DW_AT_type:
        ret->type = reference(attribute);
        break;
    case DW_AT_abstract_origin:
        ret->abstract_origin = reference(attribute);
        break;
    case DW_AT_specification:
        ret->specification = reference(attribute);
        break;
    case DW_AT_signature:
        ret->signature = reference(attribute);
        break;
    case DW_AT_containing_type:
        ret->containing_type = reference(attribute);
        break;
    }
}

static void read_flag(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    switch (dwarf_whatattr(attribute)) {
    case DW_AT_declaration:
        set_flag(ret, CSDW_DECLARATION, attribute);
        break;
    case DW_AT_external:
        set_flag(ret, CSDW_EXTERNAL, attribute);
        break;
    case DW_AT_artificial:
        set_flag(ret, CSDW_ARTIFICIAL, attribute);
        break;
    case DW_AT_prototyped:
        set_flag(ret, CSDW_PROTOTYPED, attribute);
        break;
    case DW_AT_enum_class:
        set_flag(ret, CSDW_ENUM_CLASS, attribute);
        break;
    case DW_AT_GNU_vector:
        set_flag(ret, CSDW_VECTOR, attribute);
        break;
    case DW_AT_noreturn:
        set_flag(ret, CSDW_NORETURN, attribute);
        break;
    }
}

static void read_number(struct csdw_die *ret, Dwarf_Attribute *attribute)
{
    switch (dwarf_whatattr(attribute)) {
    case DW_AT_byte_size:
        set_size(ret, attribute);
        break;
    case DW_AT_bit_size:
        set_word(ret, CSDW_BIT_SIZE, attribute, &ret->bit_size);
        break;
    case DW_AT_bit_offset:
        set_signed(ret, CSDW_BIT_OFFSET, attribute, &ret->bit_offset);
        break;
    case DW_AT_data_bit_offset:
        set_word(ret, CSDW_DATA_BIT_OFFSET, attribute, &ret->data_bit_offset);
        break;
    case DW_AT_data_member_location:
        set_member_location(ret, attribute);
        break;
    case DW_AT_encoding:
        ret->encoding = small_number(attribute);
        break;
    case DW_AT_call_file:
        ret->call_file = small_number(attribute);
        break;
    case DW_AT_call_line:
        ret->call_line = small_number(attribute);
        break;
    case DW_AT_decl_line:
        ret->decl_line = small_number(attribute);
        break;
    case DW_AT_language:
        ret->language = small_number(attribute);
        break;
    case DW_AT_inline:
        ret->inline_code = small_number(attribute);
        break;
    }
}

static int read_attribute(Dwarf_Attribute *attribute, void *argument)
{
    struct csdw_die *ret = argument;
    switch (dwarf_whatattr(attribute)) {
    case DW_AT_name:
        ret->name = dwarf_formstring(attribute);
        break;
    case DW_AT_linkage_name:
    case DW_AT_MIPS_linkage_name:
        ret->linkage_name = dwarf_formstring(attribute);
        break;
    case DW_AT_location:
        ret->flags |= CSDW_LOCATION;
        break;
    case DW_AT_const_value:
        ret->flags |= CSDW_CONST_VALUE;
        break;
    case DW_AT_low_pc:
        set_low_pc(ret, attribute);
        break;
    case DW_AT_ranges:
        ret->flags |= CSDW_RANGES;
        break;
    case DW_AT_frame_base:
        ret->flags |= CSDW_FRAME_BASE;
        break;
    default:
        read_reference(ret, attribute);
        read_flag(ret, attribute);
        read_number(ret, attribute);
    }
    return DWARF_CB_OK;
}

int csdw_die_read(Dwarf *dwarf, uint64_t address, struct csdw_die *ret)
{
    Dwarf_Die die;
    memset(ret, 0, sizeof *ret);
    if (die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    ret->address = address;
    int tag = dwarf_tag(&die);
    if (tag == DW_TAG_invalid) {
        return -EINVAL;
    }
    ret->tag = (uint32_t)tag;
    if (dwarf_haschildren(&die) == 1) {
        ret->flags |= CSDW_HAS_CHILDREN;
    }
    return dwarf_getattrs(&die, read_attribute, ret, 0) == 1 ? 0 : -EINVAL;
}

static bool tag_is_wanted(uint32_t tag, const uint32_t *tags, size_t tag_count)
{
    for (size_t i = 0; i < tag_count; i++) {
        if (tags[i] == tag) {
            return true;
        }
    }
    return tag_count == 0;
}

int csdw_children(Dwarf *dwarf, uint64_t address, const uint32_t *tags,
                  size_t tag_count, size_t budget, struct csdw_table *ret)
{
    csdw_table_init(ret, 2);
    Dwarf_Die die;
    if (die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    Dwarf_Die child;
    for (int end = first_child(&die, &child); !end; end = next_sibling(&child, &child)) {
        if (!spend(ret, budget)) {
            break;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        if (!tag_is_wanted(tag, tags, tag_count)) {
            continue;
        }
        uint64_t row[2] = {die_address(&child), tag};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

static int add_ranges(Dwarf_Die *die, bool die_last, uint64_t name,
                      struct csdw_table *ret)
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
        if (add_ranges(&die, false, die_address(&die), ret) != 0) {
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
        uint64_t row[2] = {die_address(chosen), (uint64_t)dwarf_tag(chosen)};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_unit_at(Dwarf *dwarf, uint64_t pc, uint64_t *ret)
{
    Dwarf_Die die;
    *ret = dwarf_addrdie(dwarf, pc, &die) == NULL ? 0 : die_address(&die);
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
    if (die_at(dwarf, address, &die) != 0 ||
        dwarf_cu_info(die.cu, NULL, &type, &unit, &sub, NULL, NULL, NULL) != 0) {
        return -EINVAL;
    }
    *ret = die_address(&unit);
    if (split_die(&sub, type)) {
        *split_ret = die_address(&sub);
    }
    return 0;
}

static bool holds_functions(uint32_t tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
           tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
           tag == DW_TAG_module || tag == DW_TAG_enumeration_type;
}

struct function_walk {
    bool deep;
    size_t budget;
    struct csdw_table *ret;
};

static int walk_functions(Dwarf_Die *parent, int depth, const struct function_walk *walk)
{
    Dwarf_Die child;
    int end = depth > MAXIMUM_DEPTH ? 1 : first_child(parent, &child);
    for (; !end; end = next_sibling(&child, &child)) {
        if (!spend(walk->ret, walk->budget)) {
            return 0;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        if (tag == DW_TAG_subprogram &&
            add_ranges(&child, true, die_address(&child), walk->ret) != 0) {
            return -ENOMEM;
        }
        if ((walk->deep || holds_functions(tag)) &&
            walk_functions(&child, depth + 1, walk) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_functions(Dwarf *dwarf, uint64_t unit, int deep, size_t budget,
                   struct csdw_table *ret)
{
    csdw_table_init(ret, 3);
    Dwarf_Die die;
    if (die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    struct function_walk walk = {.deep = deep != 0, .budget = budget, .ret = ret};
    return walk_functions(&die, 0, &walk);
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
    uint64_t row[3] = {die_address(die), tag, scope};
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
    int end = depth > MAXIMUM_DEPTH ? 1 : first_child(parent, &child);
    for (; !end; end = next_sibling(&child, &child)) {
        if (!spend(walk->ret, walk->budget)) {
            return 0;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        int error = 0;
        if (is_variable(tag) || is_call_site_of(&child, tag, walk->return_pc)) {
            uint64_t row[3] = {die_address(&child), tag, scope};
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
    if (die_at(dwarf, function, &die) != 0) {
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
    const char *name = dwarf_diename(die);
    if (name == NULL || dwarf_hasattr(die, DW_AT_declaration)) {
        return 0;
    }
    uint64_t row[3] = {die_address(die), tag, (uint64_t)(uintptr_t)name};
    return csdw_table_add(ret, row);
}

static int walk_types(Dwarf_Die *parent, int depth, size_t budget,
                      struct csdw_table *ret)
{
    Dwarf_Die child;
    int end = depth > MAXIMUM_DEPTH ? 1 : first_child(parent, &child);
    for (; !end; end = next_sibling(&child, &child)) {
        if (!spend(ret, budget)) {
            return 0;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        if (is_named_type(tag) && add_type(&child, tag, ret) != 0) {
            return -ENOMEM;
        }
        if (holds_functions(tag) && walk_types(&child, depth + 1, budget, ret) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_types(Dwarf *dwarf, uint64_t unit, size_t budget, struct csdw_table *ret)
{
    csdw_table_init(ret, 3);
    Dwarf_Die die;
    if (die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    return walk_types(&die, 0, budget, ret);
}

static bool read_block(Dwarf_Attribute *attribute, struct csdw_value *ret)
{
    Dwarf_Block block;
    if (dwarf_formblock(attribute, &block) != 0) {
        return false;
    }
    ret->kind = ret->form == DW_FORM_exprloc ? CSDW_EXPRESSION : CSDW_BLOCK;
    ret->data = block.data;
    ret->size = block.length;
    return true;
}

static void read_constant(Dwarf_Attribute *attribute, struct csdw_value *ret)
{
    Dwarf_Word word = 0;
    Dwarf_Sword signed_word = 0;
    bool is_signed = ret->form == DW_FORM_sdata || ret->form == DW_FORM_implicit_const;
    if (is_signed && dwarf_formsdata(attribute, &signed_word) == 0) {
        ret->kind = CSDW_SIGNED;
        ret->number = (uint64_t)signed_word;
    } else if (!is_signed && dwarf_formudata(attribute, &word) == 0) {
        ret->kind = CSDW_NUMBER;
        ret->number = word;
    }
}

static void read_value(Dwarf_Attribute *attribute, struct csdw_value *ret)
{
    Dwarf_Die die;
    Dwarf_Addr pc = 0;
    bool flag = false;
    const char *text = NULL;
    ret->kind = CSDW_OTHER;
    if (read_block(attribute, ret)) {
        return;
    }
    if (ret->form == DW_FORM_sec_offset || ret->form == DW_FORM_loclistx) {
        ret->kind = CSDW_LIST;
    } else if (dwarf_formref_die(attribute, &die) != NULL) {
        ret->kind = CSDW_REFERENCE;
        ret->number = die_address(&die);
    } else if ((text = dwarf_formstring(attribute)) != NULL) {
        ret->kind = CSDW_STRING;
        ret->data = (const uint8_t *)text;
        ret->size = strlen(text);
    } else if (dwarf_formaddr(attribute, &pc) == 0) {
        ret->kind = CSDW_NUMBER;
        ret->number = pc;
    } else if (dwarf_formflag(attribute, &flag) == 0) {
        ret->kind = CSDW_NUMBER;
        ret->number = flag;
    } else {
        read_constant(attribute, ret);
    }
}

int csdw_attribute(Dwarf *dwarf, uint64_t address, uint32_t name,
                   struct csdw_value *ret)
{
    Dwarf_Die die;
    Dwarf_Attribute attribute;
    memset(ret, 0, sizeof *ret);
    if (die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_attr(&die, name, &attribute) != NULL) {
        ret->form = dwarf_whatform(&attribute);
        read_value(&attribute, ret);
    }
    return 0;
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
        ret->die = die_address(&die);
    }
}

int csdw_location(Dwarf *dwarf, uint64_t address, uint32_t name, uint64_t pc,
                  size_t capacity, struct csdw_operation *ret, size_t *count_ret)
{
    Dwarf_Die die;
    Dwarf_Attribute attribute;
    *count_ret = 0;
    if (die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_attr(&die, name, &attribute) == NULL) {
        return -ENOENT;
    }
    Dwarf_Op *operations = NULL;
    size_t count = 0;
    int found = dwarf_getlocation_addr(&attribute, pc, &operations, &count, 1);
    if (found <= 0) {
        return found == 0 ? -ENODATA : -EINVAL;
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

static Dwarf_Addr row_address(Dwarf_Lines *lines, size_t index)
{
    Dwarf_Addr address = 0;
    dwarf_lineaddr(dwarf_onesrcline(lines, index), &address);
    return address;
}

static bool row_flag(Dwarf_Lines *lines, size_t index,
                     int (*read)(Dwarf_Line *line, bool *flag))
{
    bool flag = false;
    read(dwarf_onesrcline(lines, index), &flag);
    return flag;
}

// Number of rows at or below pc.
static size_t upper_row(Dwarf_Lines *lines, size_t count, uint64_t pc)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row_address(lines, middle) <= pc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// The last row at the address speaks for it; but one that begins no statement gives way
// to one of the same address that does.
static size_t choose_row(Dwarf_Lines *lines, size_t last)
{
    Dwarf_Addr address = row_address(lines, last);
    size_t row = last;
    while (row > 0 && !row_flag(lines, row, dwarf_linebeginstatement) &&
           row_address(lines, row - 1) == address &&
           !row_flag(lines, row - 1, dwarf_lineendsequence)) {
        row--;
    }
    return row_flag(lines, row, dwarf_linebeginstatement) ? row : last;
}

static void fill_line(Dwarf_Line *line, struct csdw_line *ret)
{
    dwarf_lineaddr(line, &ret->address);
    ret->file = dwarf_linesrc(line, NULL, NULL);
    dwarf_lineno(line, &ret->line);
    dwarf_linecol(line, &ret->column);
    dwarf_linediscriminator(line, &ret->discriminator);
}

int csdw_line_at(Dwarf *dwarf, uint64_t unit, uint64_t pc, struct csdw_line *ret)
{
    Dwarf_Die die;
    Dwarf_Lines *lines = NULL;
    size_t count = 0;
    memset(ret, 0, sizeof *ret);
    if (die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_getsrclines(&die, &lines, &count) != 0) {
        return -ENODATA;
    }
    size_t upper = upper_row(lines, count, pc);
    if (upper == 0 || row_flag(lines, upper - 1, dwarf_lineendsequence)) {
        return -ENODATA;
    }
    fill_line(dwarf_onesrcline(lines, choose_row(lines, upper - 1)), ret);
    return 0;
}

int csdw_file(Dwarf *dwarf, uint64_t unit, uint64_t index, const char **ret)
{
    Dwarf_Die die;
    Dwarf_Files *files = NULL;
    size_t count = 0;
    *ret = NULL;
    if (die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_getsrcfiles(&die, &files, &count) != 0 || index >= count) {
        return -ENODATA;
    }
    *ret = dwarf_filesrc(files, index, NULL, NULL);
    return *ret == NULL ? -ENODATA : 0;
}
