#include "sparse_writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zero_scan.h"

int sparse_writer_init(struct sparse_writer *writer, int fd, uint64_t limit)
{
	memset(writer, 0, sizeof(*writer));
	writer->fd = fd;
	writer->limit = limit;
	writer->buffer = aligned_alloc(SPARSE_PAGE_SIZE, SPARSE_BUFFER_SIZE);
	return writer->buffer ? 0 : -ENOMEM;
}

void sparse_writer_deinit(struct sparse_writer *writer)
{
	free(writer->buffer);
	writer->buffer = NULL;
}

static int write_all(struct sparse_writer *writer, const uint8_t *data, size_t size)
{
	uint64_t room = writer->limit - writer->bytes_stored;
	size_t left = size < room ? size : (size_t)room;
	bool over = left < size;

	if (left && writer->offset > writer->data_end)
		writer->holes++;
	while (left) {
		ssize_t written = pwrite(writer->fd, data, left, (off_t)writer->offset);
		if (written < 0)
			return -errno;
		data += written;
		left -= (size_t)written;
		writer->offset += (uint64_t)written;
		writer->bytes_stored += (uint64_t)written;
		writer->data_end = writer->offset;
	}
	return over ? -EFBIG : 0;
}

// pwrite(2) may be interrupted after some bytes; those are counted, so go on.
static int write_whole(struct sparse_writer *writer, const uint8_t *data, size_t size)
{
	uint64_t start = writer->offset;
	int error;

	do {
		size_t done = (size_t)(writer->offset - start);
		error = write_all(writer, data + done, size - done);
	} while (error == -EINTR);
	return error;
}

int sparse_writer_append(struct sparse_writer *writer, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	writer->bytes_in += size;
	while (size) {
		// Up to the next page boundary of the file first, then whole pages.
		size_t head = SPARSE_PAGE_SIZE - writer->offset % SPARSE_PAGE_SIZE;
		size_t piece = head < SPARSE_PAGE_SIZE && head < size ? head : size;
		bool zero;
		size_t run = zero_scan_run(bytes, piece, SPARSE_PAGE_SIZE, &zero);

		if (zero) {
			writer->offset += run;
		} else {
			int error = write_whole(writer, bytes, run);
			if (error)
				return error;
		}
		bytes += run;
		size -= run;
	}
	return 0;
}

void sparse_writer_skip(struct sparse_writer *writer, uint64_t size)
{
	writer->bytes_in += size;
	writer->offset += size;
}

// Fill the buffer, so that pages arrive whole however the source is cut.
static int fill(struct sparse_writer *writer, int source, size_t size, size_t *ret)
{
	*ret = 0;
	while (*ret < size) {
		ssize_t got = read(source, writer->buffer + *ret, size - *ret);
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		*ret += (size_t)got;
	}
	return 0;
}

int sparse_writer_copy(struct sparse_writer *writer, int source, uint64_t size,
		       uint64_t *ret)
{
	*ret = 0;
	while (*ret < size) {
		// Realign after an odd start, so that later pages need no second look.
		size_t want = SPARSE_BUFFER_SIZE - writer->offset % SPARSE_PAGE_SIZE;
		size_t got;

		if (want > size - *ret)
			want = (size_t)(size - *ret);
		int error = fill(writer, source, want, &got);
		int stored = sparse_writer_append(writer, writer->buffer, got);
		*ret += got;
		if (stored)
			return stored;
		if (error || got < want)
			return error;
	}
	return 0;
}

int sparse_writer_finish(struct sparse_writer *writer)
{
	if (writer->offset > writer->data_end)
		writer->holes++;
	return ftruncate(writer->fd, (off_t)writer->offset) ? -errno : 0;
}
