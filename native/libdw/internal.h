// What the parts of the batch reader share. Declared here, described where defined.

#ifndef CORESNAP_LIBDW_INTERNAL_H
#define CORESNAP_LIBDW_INTERNAL_H

#include "csdw.h"

#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    // Scopes nest no deeper in programs that people write; deeper input is damaged.
    CSDW_MAXIMUM_DEPTH = 256,
};

// table.c
void csdw_table_init(struct csdw_table *table, size_t width);
int csdw_table_add(struct csdw_table *table, const uint64_t *row);
bool csdw_spend(struct csdw_table *table, size_t budget);

// die.c
uint64_t csdw_die_address(const Dwarf_Die *die);
int csdw_die_at(Dwarf *dwarf, uint64_t address, Dwarf_Die *ret);
int csdw_first_child(Dwarf_Die *die, Dwarf_Die *ret);
int csdw_next_sibling(Dwarf_Die *die, Dwarf_Die *ret);

// ranges.c: a table of low, high, DIE
int csdw_ranges_add(Dwarf_Die *die, struct csdw_table *ret);
void csdw_ranges_sort(struct csdw_table *table);

#endif
