#include "internal.h"

#include <gelf.h>
#include <stdlib.h>

// .debug_aranges, DWARF 5 section 6.1.2, read here because dwarf_getaranges keeps and
// sorts all it finds. GNU ld lets the ranges of a function that many C++ units have
// point to the one that it kept: 650,000 ranges of 250 units, of which 2,900 differ.

enum {
    SEEN_BITS = 16,
    SEEN = 1 << SEEN_BITS,
};

struct bytes {
    const uint8_t *data;
    size_t left;
    bool big_endian;
};

// Take an unsigned integer of 1, 2, 4 or 8 bytes; false at the end.
static bool take(struct bytes *bytes, size_t size, uint64_t *ret)
{
    if (bytes->left < size) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        size_t at = bytes->big_endian ? i : size - 1 - i;
        value = value << 8 | bytes->data[at];
    }
    *ret = value;
    bytes->data += size;
    bytes->left -= size;
    return true;
}

static bool skip(struct bytes *bytes, size_t size)
{
    if (bytes->left < size) {
        return false;
    }
    bytes->data += size;
    bytes->left -= size;
    return true;
}

struct range {
    uint64_t low;
    uint64_t length;
};

// A range that was added lately is not added again: the first unit has it.
static bool is_repeated(struct range *seen, const struct range *range)
{
    uint64_t hash = (range->low * 0x9e3779b97f4a7c15) >> (64 - SEEN_BITS);
    struct range *slot = seen + hash;
    bool same = slot->low == range->low && slot->length == range->length;
    *slot = *range;
    return same;
}

// The rest of one set: ranges of one unit until a pair of zeros.
static int add_set(struct bytes *set, size_t address_size, uint64_t offset,
                   struct range *seen, struct csdw_table *ret)
{
    struct range range = {0, 0};
    while (take(set, address_size, &range.low) &&
           take(set, address_size, &range.length)) {
        if (range.low == 0 && range.length == 0) {
            break;
        }
        // A linker that keeps nothing else leaves address 0 for what it dropped.
        if (range.low == 0 || range.length == 0 ||
            range.length > UINT64_MAX - range.low || is_repeated(seen, &range)) {
            continue;
        }
        uint64_t row[3] = {range.low, range.low + range.length, offset};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

// One set with its header; -ENXIO if it makes no sense.
static int read_set(struct bytes *section, struct range *seen, struct csdw_table *ret)
{
    uint64_t length = 0;
    uint64_t version = 0;
    uint64_t offset = 0;
    uint64_t address_size = 0;
    uint64_t segment_size = 0;
    size_t offset_size = 4;
    const uint8_t *start = section->data;
    if (!take(section, 4, &length)) {
        return -ENXIO;
    }
    if (length == UINT32_MAX) {
        offset_size = 8;
        if (!take(section, 8, &length)) {
            return -ENXIO;
        }
    }
    struct bytes set = {section->data, (size_t)length, section->big_endian};
    size_t before = (size_t)(section->data - start);
    if (length > section->left || !skip(section, (size_t)length) ||
        !take(&set, 2, &version) || !take(&set, offset_size, &offset) ||
        !take(&set, 1, &address_size) || !take(&set, 1, &segment_size)) {
        return -ENXIO;
    }
    if (version != 2 || segment_size != 0 || (address_size != 4 && address_size != 8)) {
        return 0;
    }
    // The first pair is aligned to its own size, counted from the set's start.
    size_t header = before + 2 + offset_size + 2;
    size_t pair = 2 * (size_t)address_size;
    if (!skip(&set, (pair - header % pair) % pair)) {
        return 0;
    }
    return add_set(&set, (size_t)address_size, offset, seen, ret);
}

// Bytes of .debug_aranges; dwarf_begin_elf has unpacked it if it was compressed.
static bool find_section(Elf *elf, struct bytes *ret)
{
    const char *identity = elf_getident(elf, NULL);
    size_t names = 0;
    Elf_Scn *section = NULL;
    if (identity == NULL || elf_getshdrstrndx(elf, &names) != 0) {
        return false;
    }
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS) {
            continue;
        }
        const char *name = elf_strptr(elf, names, header.sh_name);
        if (name == NULL || (strcmp(name, ".debug_aranges") != 0 &&
                             strcmp(name, ".zdebug_aranges") != 0)) {
            continue;
        }
        Elf_Data *data = elf_getdata(section, NULL);
        if (data == NULL || data->d_buf == NULL) {
            return false;
        }
        *ret = (struct bytes){data->d_buf, data->d_size,
                              identity[EI_DATA] == ELFDATA2MSB};
        return true;
    }
    return false;
}

int csdw_listed_ranges(Elf *elf, struct csdw_table *ret)
{
    struct bytes section;
    csdw_table_init(ret, 3);
    if (!find_section(elf, &section)) {
        return 0;
    }
    struct range *seen = calloc(SEEN, sizeof *seen);
    int error = seen == NULL ? -ENOMEM : 0;
    while (section.left != 0 && error == 0) {
        error = read_set(&section, seen, ret);
    }
    free(seen);
    csdw_ranges_sort(ret);
    return error == -ENXIO ? 0 : error;
}

int csdw_listed_unit(Dwarf *dwarf, uint64_t offset, uint64_t *ret)
{
    Dwarf_Off next = 0;
    size_t header_size = 0;
    Dwarf_Die die;
    *ret = 0;
    if (dwarf_nextcu(dwarf, offset, &next, &header_size, NULL, NULL, NULL) != 0 ||
        dwarf_offdie(dwarf, offset + header_size, &die) == NULL) {
        return -ENXIO;
    }
    *ret = csdw_die_address(&die);
    return 0;
}
