// The memory that the kernel has chosen for the core, found by address.
#pragma once

#include "core_head.h"

struct core_map {
	struct core_segment *list; // loadable, with bytes, in ascending order of addresses
	size_t count;
	size_t size; // bytes of address space
};

// Segments that are not made of pages are left out. Returns 0, -ENOMEM, or -ENOTSUP if
// segments overlap.
int core_map_init(const struct core_head *head, struct core_map *ret);
void core_map_deinit(struct core_map *map);

// Index of the first segment whose bytes end above an address; `count` if there is none.
size_t core_map_after(const struct core_map *map, uint64_t address);

// The segment that has the byte at an address, NULL without one.
const struct core_segment *core_map_find(const struct core_map *map, uint64_t address);
