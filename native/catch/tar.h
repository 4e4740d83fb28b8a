// Writes a POSIX ustar archive (IEEE Std 1003.1, pax, "ustar Interchange Format").
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TAR_BLOCK_SIZE = 512, TAR_NAME_SIZE = 100 };

struct tar {
	int fd;
	uint64_t offset; // where the next member begins
	int64_t time;    // of every member, seconds since the epoch
};

// Write into `fd`, an empty file.
void tar_init(struct tar *tar, int fd, int64_t time);

// Append a regular file. On an error the archive is as before, without its end.
int tar_add(struct tar *tar, const char *name, const void *data, size_t size);

// Append what is read from `file`, as a regular file of `size` bytes: cut there, or
// filled with zeros. `buffer` is room to copy through. Fails as tar_add() does.
int tar_add_file(struct tar *tar, const char *name, int file, uint64_t size, void *buffer,
		 size_t buffer_size);

// Write the end of the archive. More members may follow, and another end.
int tar_finish(struct tar *tar);
