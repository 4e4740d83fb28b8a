// Program headers of a core that holds less than the kernel's: what is absent is not
// claimed, so that nobody takes it for zeros.
#pragma once

#include "core_head.h"
#include "extents.h"

// Program headers that a core may have: one more would need PN_XNUM.
enum { THIN_CORE_HEADER_LIMIT = 65534 };

// Let the core in `fd` claim the memory of `stored` alone. Each segment becomes runs
// that are stored and runs that are absent (p_filesz 0), with the same addresses. If
// they are more than before, the new table goes to `offset`.
//
// Returns 0, or -errno from storing; the core then claims what it did before. `ret_end`
// is where the new table ends, 0 if it has the place of the old one, and `ret_runs` how
// many runs are stored.
int thin_core_write(const struct core_head *head, const struct extents *stored, int fd,
		    uint64_t offset, uint64_t *ret_end, uint64_t *ret_runs);

// Bytes of a table in which `count` extents were found room for.
uint64_t thin_core_table_size(const struct core_head *head, size_t count);
