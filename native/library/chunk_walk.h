// Walks the chunks of glibc's malloc, header by header, at memory speed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_walk_status {
	CHUNK_WALK_OUTSIDE = 0, // the next header is not in the data
	CHUNK_WALK_STOP,	// `stop` was reached
	CHUNK_WALK_FENCE,	// a chunk of a header's size, which glibc puts at an end
	CHUNK_WALK_SIZE,	// the size at `at` is none
	CHUNK_WALK_PREVIOUS,	// what the header says of the chunk before it is wrong
};

struct chunk_walk {
	// What is walked; never changed by the walk.
	bool narrow; // words are 4 bytes, not 8
	bool big_endian;
	uint32_t alignment; // of sizes
	uint64_t minimum;   // smallest size
	uint64_t bad_flags; // that no header here has
	uint64_t stop;	    // address behind the last chunk
	bool last_has_header; // at `stop` is the header of what was never handed out

	// Blocks that look as if they were in use and wait in a cache, ascending.
	const uint64_t *cached;
	size_t cached_count;

	// `marks[i]` is the first chunk in the i-th granule of 1 << `shift` bytes from
	// `base` on, 0 if none begins there.
	uint64_t *marks;
	size_t mark_count;
	uint64_t base;
	unsigned shift;

	// Where it is. `size` is that of the chunk before `at`, 0 where there is none.
	uint64_t at;
	uint64_t size;
	size_t cached_at;

	// What was counted: chunks and their bytes, headers included.
	uint64_t used, used_bytes;
	uint64_t freed, freed_bytes;	// in bins
	uint64_t waiting, waiting_bytes; // in `cached`
};

// Go on from `at` as far as `data` goes, which lies at `address`. Chunks are counted
// when the header behind them was read. Returns a chunk_walk_status; `at` is then the
// header it speaks of, and `size` still that of the chunk before.
int chunk_walk_run(struct chunk_walk *walk, const void *data, size_t size,
		   uint64_t address);

// The first place from `from` on, and before `*budget` headers were read, from where
// `wanted` chunks follow each other, or fewer that end at `stop`. Whatever `walk` has
// counted is left alone. Returns 0 if there is none.
uint64_t chunk_walk_find(const struct chunk_walk *walk, const void *data, size_t size,
			 uint64_t address, uint64_t from, unsigned wanted,
			 uint64_t *budget);
