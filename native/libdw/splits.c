#define _DEFAULT_SOURCE // MAP_ANONYMOUS
#include "internal.h"

#include <gelf.h>
#include <sys/mman.h>
#include <unistd.h>

// libdw 0.188 looks for a split unit at two paths of its own making, and for packages
// not at all. Here its skeleton is given another name of the file: the bytes that refer
// to the name are changed in this process's copy of the section, to refer to a string
// that was added behind the others. libdw itself checks the unit's id and links the two.

static const char *string_of(Dwarf_Die *die, unsigned int name, unsigned int older)
{
    Dwarf_Attribute attribute;
    if (dwarf_attr(die, name, &attribute) == NULL &&
        (older == 0 || dwarf_attr(die, older, &attribute) == NULL)) {
        return NULL;
    }
    return dwarf_formstring(&attribute);
}

int csdw_unit_ids(Dwarf *dwarf, struct csdw_table *ret)
{
    csdw_table_init(ret, 5);
    Dwarf_CU *unit = NULL;
    Dwarf_Die die;
    uint8_t type = 0;
    // Without a place for the split DIE: asked for it, libdw would search at once.
    while (dwarf_get_units(dwarf, unit, &unit, NULL, &type, &die, NULL) == 0) {
        uint64_t id = 0;
        if ((type != DW_UT_skeleton && type != DW_UT_split_compile) || die.addr == NULL ||
            dwarf_cu_info(unit, NULL, NULL, NULL, NULL, &id, NULL, NULL) != 0) {
            continue;
        }
        const char *name = string_of(&die, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
        const char *directory = string_of(&die, DW_AT_comp_dir, 0);
        uint64_t row[5] = {csdw_die_address(&die), type == DW_UT_skeleton, id,
                           (uint64_t)(uintptr_t)name, (uint64_t)(uintptr_t)directory};
        if (csdw_table_add(ret, row) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

int csdw_skeleton_of(Dwarf *dwarf, uint64_t address, uint64_t *ret)
{
    Dwarf_Die die;
    Dwarf_Die unit;
    if (csdw_die_at(dwarf, address, &die) != 0 ||
        dwarf_cu_info(die.cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) != 0) {
        return -EINVAL;
    }
    *ret = csdw_die_address(&unit);
    return 0;
}

static Elf_Data *section_data(Elf *elf, const char *wanted)
{
    size_t names = 0;
    Elf_Scn *section = NULL;
    if (elf_getshdrstrndx(elf, &names) != 0) {
        return NULL;
    }
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS) {
            continue;
        }
        const char *name = elf_strptr(elf, names, header.sh_name);
        bool packed = name != NULL && strncmp(name, ".z", 2) == 0;
        if (name != NULL && strcmp(name + 1 + packed, wanted + 1) == 0) {
            return elf_getdata(section, NULL);
        }
    }
    return NULL;
}

int csdw_strings_init(struct csdw_strings *strings, Elf *elf, size_t room)
{
    *strings = (struct csdw_strings){0};
    Elf_Data *data = section_data(elf, ".debug_str");
    if (data == NULL || data->d_buf == NULL || room > SIZE_MAX - data->d_size) {
        return -ENXIO;
    }
    size_t capacity = data->d_size + room;
    void *memory = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return -ENOMEM;
    }
    memcpy(memory, data->d_buf, data->d_size);
    *strings = (struct csdw_strings){memory, data->d_size, capacity};
    data->d_buf = memory;
    data->d_size = capacity;
    return 0;
}

void csdw_strings_deinit(struct csdw_strings *strings)
{
    if (strings->data != NULL) {
        munmap(strings->data, strings->capacity);
    }
    *strings = (struct csdw_strings){0};
}

// Change bytes that libelf has mapped: the mapping is private, and to be read only.
static int change(uint8_t *bytes, const uint8_t *value, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)bytes & ~(page - 1);
    uintptr_t end = (uintptr_t)bytes + size;
    if (mprotect((void *)start, end - start, PROT_READ | PROT_WRITE) != 0) {
        return -errno;
    }
    memcpy(bytes, value, size);
    return 0;
}

static int change_number(Elf *elf, uint8_t *bytes, uint64_t number, size_t size)
{
    const char *identity = elf_getident(elf, NULL);
    uint8_t value[8];
    if (identity == NULL || size > sizeof value) {
        return -EINVAL;
    }
    for (size_t i = 0; i < size; i++) {
        size_t at = identity[EI_DATA] == ELFDATA2MSB ? size - 1 - i : i;
        value[at] = (uint8_t)(number >> 8 * i);
    }
    return change(bytes, value, size);
}

// A name inside the unit keeps its length: slashes in front change nothing.
static int change_inline(uint8_t *bytes, const char *path)
{
    size_t old = strlen((const char *)bytes);
    size_t size = strlen(path);
    uint8_t slashes[4096];
    if (old > sizeof slashes) {
        return -EINVAL;
    }
    memset(slashes, '/', old);
    if (size <= old) {
        memcpy(slashes + (old - size), path, size);
    }
    int error = change(bytes, slashes, old);
    return error != 0 ? error : size <= old ? 0 : -ENOSPC;
}

// The number of a string: its place in .debug_str_offsets counts from the unit's base.
static int change_index(Elf *elf, Dwarf_Die *unit, uint64_t index, uint64_t offset,
                        size_t offset_size)
{
    Elf_Data *data = section_data(elf, ".debug_str_offsets");
    Dwarf_Attribute attribute;
    Dwarf_Word base = 0;
    if (data == NULL || data->d_buf == NULL) {
        return -ENXIO;
    }
    if (dwarf_attr(unit, DW_AT_str_offsets_base, &attribute) != NULL &&
        dwarf_formudata(&attribute, &base) != 0) {
        return -EINVAL;
    }
    if (base > data->d_size || index >= (data->d_size - base) / offset_size) {
        return -EINVAL;
    }
    uint8_t *entry = (uint8_t *)data->d_buf + base + index * offset_size;
    return change_number(elf, entry, offset, offset_size);
}

static bool index_of(Elf *elf, const Dwarf_Attribute *attribute, uint64_t *ret)
{
    size_t size = attribute->form == DW_FORM_strx1   ? 1
                  : attribute->form == DW_FORM_strx2 ? 2
                  : attribute->form == DW_FORM_strx3 ? 3
                  : attribute->form == DW_FORM_strx4 ? 4
                                                     : 0;
    const char *identity = elf_getident(elf, NULL);
    bool big_endian = identity != NULL && identity[EI_DATA] == ELFDATA2MSB;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | attribute->valp[big_endian ? i : size - 1 - i];
    }
    // libdw has checked that a LEB128 ends within the unit when it found the attribute.
    for (unsigned int i = 0, shift = 0; size == 0 && i < 9; i++, shift += 7) {
        value |= (uint64_t)(attribute->valp[i] & 0x7f) << shift;
        if ((attribute->valp[i] & 0x80) == 0) {
            break;
        }
    }
    *ret = value;
    return size != 0 || attribute->form == DW_FORM_strx ||
           attribute->form == DW_FORM_GNU_str_index;
}

int csdw_split_rename(struct csdw_strings *strings, Elf *elf, Dwarf *dwarf,
                      uint64_t address, const char *path)
{
    Dwarf_Die unit;
    uint8_t offset_size = 0;
    Dwarf_Attribute attribute;
    uint64_t index = 0;
    if (csdw_die_at(dwarf, address, &unit) != 0 ||
        dwarf_cu_info(unit.cu, NULL, NULL, NULL, NULL, NULL, NULL, &offset_size) != 0 ||
        (dwarf_attr(&unit, DW_AT_dwo_name, &attribute) == NULL &&
         dwarf_attr(&unit, DW_AT_GNU_dwo_name, &attribute) == NULL)) {
        return -ENOENT;
    }
    if (attribute.form == DW_FORM_string) {
        return change_inline(attribute.valp, path);
    }
    size_t size = strlen(path) + 1;
    if (size > strings->capacity - strings->used) {
        return -ENOSPC;
    }
    uint64_t offset = strings->used;
    memcpy(strings->data + offset, path, size);
    strings->used += size;
    if (attribute.form == DW_FORM_strp) {
        return change_number(elf, attribute.valp, offset, offset_size);
    }
    if (index_of(elf, &attribute, &index)) {
        return change_index(elf, &unit, index, offset, offset_size);
    }
    return -ENOTSUP;
}
