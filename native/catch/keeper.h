// Puts single ranges of the process's memory into the core, each once.
#pragma once

#include "core_map.h"
#include "extents.h"
#include "process_memory.h"
#include "space.h"
#include "sparse_writer.h"

struct keeper {
	const struct core_map *map; // nothing else is kept
	struct sparse_writer *writer;
	struct space *space;
	struct process_memory *memory;
	bool compact;             // behind each other, else where the kernel would put it
	uint64_t end;             // of the last bytes in the file
	uint64_t page_size;
	int64_t deadline;         // CLOCK_MONOTONIC
	int error;                // why no more is kept; 0 as long as all goes well
	struct extents *extents;  // what the file holds
};

// Keep what the core has of a range, extended to whole pages. Pages that cannot be
// read stay absent. Once `error` is set this does nothing: -ESRCH if the process is
// gone, -ETIME behind the deadline, -E2BIG if there are too many ranges, others from
// storing.
void keeper_keep(struct keeper *keeper, uint64_t address, uint64_t size);

// The page of an address, and one on each side.
void keeper_keep_around(struct keeper *keeper, uint64_t address);
