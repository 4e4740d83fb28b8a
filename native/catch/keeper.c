#include "keeper.h"

#include <errno.h>

#include "clock.h"
#include "process_memory.h"

// Where the kernel would have put it, or behind what is there.
static uint64_t choose_offset(const struct keeper *keeper,
			      const struct core_segment *segment, uint64_t address)
{
	uint64_t page = keeper->page_size;

	if (keeper->compact)
		return (keeper->end + page - 1) / page * page;
	return segment->offset + (address - segment->address);
}

static void store(struct keeper *keeper, uint64_t address, size_t size, uint64_t offset)
{
	struct sparse_writer *writer = keeper->writer;

	writer->offset = offset;
	int error = sparse_writer_append(writer, writer->buffer, size);
	// On an error only whole pages are true.
	uint64_t done = (writer->offset - offset) / keeper->page_size * keeper->page_size;
	if (done) {
		struct extent extent = {address, done, offset};
		int added = extents_add(keeper->extents, extent);
		error = error ? error : added;
		if (!added && offset + done > keeper->end)
			keeper->end = offset + done;
	}
	error = error ? error : space_watch(keeper->space, writer->bytes_stored);
	if (!error && clock_now(CLOCK_MONOTONIC) > keeper->deadline)
		error = -ETIME;
	keeper->error = error;
}

// Keep a run that one segment has and that no extent has yet.
static void keep_run(struct keeper *keeper, const struct core_segment *segment,
		     uint64_t address, uint64_t size)
{
	while (size && !keeper->error) {
		size_t piece = size < SPARSE_BUFFER_SIZE ? (size_t)size : SPARSE_BUFFER_SIZE;
		ssize_t got = process_memory_read(keeper->memory, keeper->writer->buffer,
						  piece, address);
		if (got == 0 || (got < 0 && errno != EIO && errno != EAGAIN)) {
			keeper->error = -ESRCH;
			return;
		}
		if (got < 0) // beyond the end of its file, poisoned, or not at hand
			got = (ssize_t)keeper->page_size;
		else if (got % (ssize_t)keeper->page_size)
			return;
		else
			store(keeper, address, (size_t)got,
			      choose_offset(keeper, segment, address));
		address += (uint64_t)got;
		size -= (uint64_t)got;
	}
}

void keeper_keep(struct keeper *keeper, uint64_t address, uint64_t size)
{
	uint64_t page = keeper->page_size, at = address / page * page, end;

	if (__builtin_add_overflow(address, size, &end) || end > INT64_MAX)
		return;
	end = (end + page - 1) / page * page;
	while (at < end && !keeper->error) {
		size_t number = core_map_after(keeper->map, at);
		if (number == keeper->map->count || keeper->map->list[number].address >= end)
			return;
		const struct core_segment *segment = &keeper->map->list[number];
		at = at > segment->address ? at : segment->address;
		uint64_t stop = segment->address + segment->size;
		stop = stop < end ? stop : end;
		size_t held = extents_after(keeper->extents, at);
		const struct extent *extent = held < keeper->extents->count
						      ? &keeper->extents->list[held]
						      : NULL;
		if (extent && extent->address <= at) {
			at = extent->address + extent->size;
			continue;
		}
		if (extent && extent->address < stop)
			stop = extent->address;
		keep_run(keeper, segment, at, stop - at);
		at = stop;
	}
}

void keeper_keep_around(struct keeper *keeper, uint64_t address)
{
	uint64_t page = keeper->page_size, start = address / page * page;

	if (core_map_find(keeper->map, address))
		keeper_keep(keeper, start < page ? 0 : start - page, 3 * page);
}
