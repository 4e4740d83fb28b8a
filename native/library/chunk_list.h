// Follows the lists in which glibc's malloc keeps free chunks.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunk_list_status {
	CHUNK_LIST_END = 0,    // it ends as it should
	CHUNK_LIST_UNREADABLE, // a link leads to where no memory is
	CHUNK_LIST_MISALIGNED, // a link leads to where no block begins
	CHUNK_LIST_SIZE,       // a chunk's size is not one of this list
	CHUNK_LIST_LOOP,       // it comes back to a chunk it has passed
	CHUNK_LIST_UNLINKED,   // the chunk behind does not point back
	CHUNK_LIST_LIMIT,      // there are more entries than are wanted
};

// Memory of the process from `start` to before `end`.
struct chunk_piece {
	uint64_t start;
	uint64_t end;
	const uint8_t *data;
};

struct chunk_list {
	const struct chunk_piece *pieces; // ascending, disjoint
	size_t piece_count;
	bool narrow; // words are 4 bytes, not 8
	bool big_endian;
	bool mangled;	    // links are safe-linked: xor their own address >> 12
	uint32_t alignment; // of blocks
	uint64_t bias;	    // from where a link leads to the block
	uint64_t least;	    // chunk sizes in this list, without flags
	uint64_t most;

	// What was found: blocks in the order of the list, and the words stored as their
	// links.
	uint64_t *entries;
	uint64_t *links; // may be NULL
	size_t capacity;
	size_t count;
	uint64_t at;	 // the block or chunk that the status speaks of
	uint64_t before; // what led to it; of a bin only
};

// Follow links from block to block, `first` being one, or 0. Returns a
// chunk_list_status.
int chunk_list_follow(struct chunk_list *list, uint64_t first);

// Follow a bin from the chunk `head` back to it, forwards, and check the links back.
// Nothing is kept in `entries` beyond `capacity`, and no more than `limit` chunks are
// passed. Returns a chunk_list_status; CHUNK_LIST_LIMIT means `limit`.
int chunk_list_circle(struct chunk_list *list, uint64_t head, size_t limit);

// Sort blocks, ascending.
void chunk_list_sort(uint64_t *blocks, size_t count);
