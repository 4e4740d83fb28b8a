#include "internal.h"

uint64_t csdw_die_address(const Dwarf_Die *die)
{
    return (uint64_t)(uintptr_t)die->addr;
}

int csdw_die_at(Dwarf *dwarf, uint64_t address, Dwarf_Die *ret)
{
    if (address == 0) {
        return -EINVAL;
    }
    void *pointer = (void *)(uintptr_t)address;
    return dwarf_die_addr_die(dwarf, pointer, ret) == NULL ? -EINVAL : 0;
}

// The next sibling; 1 at the end. A sibling attribute that points backwards would make
// the walk endless, so such a list ends there.
int csdw_next_sibling(Dwarf_Die *die, Dwarf_Die *ret)
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

int csdw_first_child(Dwarf_Die *die, Dwarf_Die *ret)
{
    return dwarf_child(die, ret) == 0 ? 0 : 1;
}

static uint64_t reference(Dwarf_Attribute *attribute)
{
    Dwarf_Die die;
    return dwarf_formref_die(attribute, &die) == NULL ? 0 : csdw_die_address(&die);
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
    if (csdw_die_at(dwarf, address, &die) != 0) {
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
    if (csdw_die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    Dwarf_Die child;
    int end = csdw_first_child(&die, &child);
    for (; !end; end = csdw_next_sibling(&child, &child)) {
        if (!csdw_spend(ret, budget)) {
            break;
        }
        uint32_t tag = (uint32_t)dwarf_tag(&child);
        if (!tag_is_wanted(tag, tags, tag_count)) {
            continue;
        }
        uint64_t row[2] = {csdw_die_address(&child), tag};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}
