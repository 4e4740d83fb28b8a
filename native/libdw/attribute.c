#include "internal.h"

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
        ret->number = csdw_die_address(&die);
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
    if (csdw_die_at(dwarf, address, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_attr(&die, name, &attribute) != NULL) {
        ret->form = dwarf_whatform(&attribute);
        read_value(&attribute, ret);
    }
    return 0;
}
