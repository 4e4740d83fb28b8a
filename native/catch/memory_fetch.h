// The fast way: only the pages that exist, straight from the waiting process.
#pragma once

#include "core_head.h"
#include "patience.h"
#include "process.h"
#include "space.h"
#include "sparse_writer.h"

// Append all memory that the program headers ask for, up to the core's end. The kernel
// has chosen what belongs into a core; that choice is the headers, and is kept.
//
// Returns -ENOTSUP or -ESRCH if the memory cannot be had this way, before or after
// some of it was appended; like patience_check() if the core has to end here; every
// other -errno comes from storing it.
int memory_fetch(const struct core_head *head, const struct process *process,
		 struct space *space, struct patience *patience,
		 struct sparse_writer *writer);
