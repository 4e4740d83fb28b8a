// Which memory of the process is in the file, and where.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t address;
	uint64_t size;
	uint64_t offset; // in the file
};

// In ascending order of addresses, without overlaps; neighbours in both memory and file
// are one.
struct extents {
	struct extent *list; // address space for `limit` of them
	size_t count;
	size_t limit;
};

// Returns 0 or -ENOMEM.
int extents_init(size_t limit, struct extents *ret);
void extents_deinit(struct extents *extents);

// Index of the first extent that ends above an address; `count` if there is none.
size_t extents_after(const struct extents *extents, uint64_t address);

// Add memory that is in none yet. Returns 0, or -E2BIG beyond the limit.
int extents_add(struct extents *extents, struct extent extent);
