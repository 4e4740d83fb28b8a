// Writes a stream into a file, leaving holes where the stream is zero.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A hole is a multiple of this, counted from the start of the file. Larger blocks
// would store zero pages, smaller ones save nothing on common filesystems.
enum { SPARSE_PAGE_SIZE = 4096 };

// One file being written. All counters are bytes unless they say otherwise.
struct sparse_writer {
	int fd;
	uint64_t limit;        // stored bytes at most; UINT64_MAX for none
	uint64_t offset;       // end of what the file holds, holes included
	uint64_t bytes_in;     // given to the writer, stored or not
	uint64_t bytes_stored; // written to the file
	uint64_t holes;        // number of gaps, adjacent ones counted once
	uint64_t data_end;     // end of the last bytes written
	uint8_t *buffer;       // SPARSE_BUFFER_SIZE bytes, page aligned
};

enum { SPARSE_BUFFER_SIZE = 256 * 1024 };

// Write from the start of `fd`, an empty regular file. Returns 0 or -ENOMEM.
int sparse_writer_init(struct sparse_writer *writer, int fd, uint64_t limit);
void sparse_writer_deinit(struct sparse_writer *writer);

// Append `size` bytes. On an error `offset` says how far the file is right:
// -EFBIG at the limit, -ENOSPC, -EIO, -EINTR, ... from pwrite(2).
int sparse_writer_append(struct sparse_writer *writer, const void *data, size_t size);

// Append `size` zero bytes as a hole.
void sparse_writer_skip(struct sparse_writer *writer, uint64_t size);

// Append up to `size` bytes read from `source`, a pipe, socket or file. `ret` is
// how many were read: less than `size` at the end of the source, or on an error.
// After -EINTR nothing is lost and the call may be repeated for the rest.
int sparse_writer_copy(struct sparse_writer *writer, int source, uint64_t size,
		       uint64_t *ret);

// Give the file its final size, which a trailing hole would not. Also after an
// error: the file then ends where its content stops being right.
int sparse_writer_finish(struct sparse_writer *writer);
