#include "internal.h"

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
    if (csdw_die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_getsrclines(&die, &lines, &count) != 0) {
        return -ENXIO;
    }
    size_t upper = upper_row(lines, count, pc);
    if (upper == 0 || row_flag(lines, upper - 1, dwarf_lineendsequence)) {
        return -ENXIO;
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
    if (csdw_die_at(dwarf, unit, &die) != 0) {
        return -EINVAL;
    }
    if (dwarf_getsrcfiles(&die, &files, &count) != 0 || index >= count) {
        return -ENXIO;
    }
    *ret = dwarf_filesrc(files, index, NULL, NULL);
    return *ret == NULL ? -ENXIO : 0;
}
