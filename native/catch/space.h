// Leaves room on the filesystem of the spool, counted in its own blocks and inodes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SPACE_STEP = 1024 * 1024 }; // bytes stored between two looks

// Looks again and again while one file grows.
struct space {
	int fd;           // the file
	unsigned quota;   // percent to leave free
	uint64_t checked; // stored bytes at the last look
};

// Say whether `bytes` more, rounded up to blocks, and one inode more leave at least
// `quota` percent of the blocks and inodes free. `fd` is any file on it.
bool space_admits(int fd, unsigned quota, uint64_t bytes);

// Bytes that may be stored with at least `quota` percent of the blocks left free.
// UINT64_MAX without an answer.
uint64_t space_room(int fd, unsigned quota);

// Returns -EDQUOT if the file, now of `stored` bytes, may not grow by another step.
int space_watch(struct space *space, uint64_t stored);
