#include "stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "important.h"
#include "keeper.h"
#include "process_memory.h"
#include "thin_core.h"

enum { RANGE_LIMIT = 4096, PATIENCE = 5 }; // seconds

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t round_up(uint64_t offset)
{
	return (offset + page_size() - 1) / page_size() * page_size();
}

// Headers can only be spared where there are not too many already.
static size_t range_limit(const struct core_head *head)
{
	size_t spare = (THIN_CORE_HEADER_LIMIT - head->segment_count) / 2;

	return spare < RANGE_LIMIT ? spare : RANGE_LIMIT;
}

int stacks_init(const struct core_head *head, int fd, bool compact, struct stacks *ret)
{
	*ret = (struct stacks){.head = head, .compact = compact};
	size_t limit = range_limit(head);
	uint64_t room = round_up(thin_core_table_size(head, limit));
	int error = core_map_init(head, &ret->map);

	error = error ? error : extents_init(limit + ret->map.count, &ret->extents);
	if (error)
		return error;
	ret->table = round_up(compact ? head->memory : head->end);
	ret->end = compact ? ret->table + room : head->memory;
	// So that there will be headers when there is no room for anything else. Where
	// this is not possible, they have to take their chances.
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)ret->table, (off_t)room))
		return 0;
	return 0;
}

void stacks_deinit(struct stacks *stacks)
{
	core_map_deinit(&stacks->map);
	extents_deinit(&stacks->extents);
}

int stacks_keep(struct stacks *stacks, const struct process *process, struct space *space,
		struct sparse_writer *writer)
{
	struct process_memory memory;
	struct keeper keeper = {
		.map = &stacks->map,
		.writer = writer,
		.space = space,
		.memory = &memory,
		.compact = stacks->compact,
		.end = stacks->end,
		.page_size = page_size(),
		.deadline = clock_now(CLOCK_MONOTONIC) + (int64_t)PATIENCE * NANOSECONDS,
		.extents = &stacks->extents,
	};
	struct sparse_writer before = *writer;
	size_t limit = stacks->extents.limit;

	if (process_memory_open(process, &memory)) {
		process_memory_close(&memory);
		return -ESRCH;
	}
	stacks->extents.limit = stacks->extents.count + range_limit(stacks->head);
	stacks->extents.limit = stacks->extents.limit < limit ? stacks->extents.limit : limit;
	important_keep(&keeper, stacks->head);
	process_memory_close(&memory);
	stacks->extents.limit = limit;
	stacks->end = keeper.end;
	writer->offset = before.offset;
	writer->data_end = before.data_end;
	stacks->bytes_in = writer->bytes_in - before.bytes_in;
	stacks->bytes_stored = writer->bytes_stored - before.bytes_stored;
	stacks->kept = stacks->extents.count > 0;
	// More than enough is no error.
	return keeper.error == -E2BIG || keeper.error == -ETIME ? 0 : keeper.error;
}

// Add the part of a segment that is in no extent yet.
static int add_segment(struct stacks *stacks, const struct core_segment *segment,
		       uint64_t size)
{
	struct extents *extents = &stacks->extents;
	uint64_t at = segment->address, stop = at + size;
	int error = 0;

	while (at < stop && !error) {
		size_t next = extents_after(extents, at);
		const struct extent *extent =
			next < extents->count ? &extents->list[next] : NULL;
		if (extent && extent->address <= at) {
			at = extent->address + extent->size;
			continue;
		}
		uint64_t end = extent && extent->address < stop ? extent->address : stop;
		error = extents_add(extents, (struct extent){at, end - at,
							     segment->offset + at -
								     segment->address});
		at = end;
	}
	return error;
}

int stacks_add_front(struct stacks *stacks, uint64_t offset)
{
	int error = 0;

	for (size_t i = 0; i < stacks->map.count && !error; i++) {
		const struct core_segment *segment = &stacks->map.list[i];
		if (segment->offset >= offset)
			continue;
		uint64_t size = offset - segment->offset;
		size = size < segment->size ? size / page_size() * page_size() : segment->size;
		error = add_segment(stacks, segment, size);
		if (segment->offset + size > stacks->end)
			stacks->end = segment->offset + size;
	}
	return error;
}

// Extents have the file's order only as far as segments do, so look at all of them for
// the first that is needed behind an offset.
static void next_needed(const struct stacks *stacks, uint64_t offset, uint64_t *ret_start,
			uint64_t *ret_end)
{
	for (size_t i = 0; i < stacks->extents.count; i++) {
		const struct extent *extent = &stacks->extents.list[i];
		if (extent->offset + extent->size > offset && extent->offset < *ret_start) {
			*ret_start = extent->offset;
			*ret_end = extent->offset + extent->size;
		}
	}
}

int stacks_drop(const struct stacks *stacks, int fd, uint64_t offset, uint64_t end)
{
	while (offset < end) {
		uint64_t start = end, next = end;
		next_needed(stacks, offset, &start, &next);
		if (start > offset &&
		    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			      (off_t)(start - offset)))
			return -errno;
		offset = next;
	}
	return 0;
}

// Give back what was kept for program headers and is not needed.
static void free_table_room(const struct stacks *stacks, int fd, uint64_t table_end)
{
	uint64_t start = round_up(table_end);
	uint64_t end = stacks->table + round_up(thin_core_table_size(
					       stacks->head, range_limit(stacks->head)));

	if (stacks->compact && start < end &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)start,
		      (off_t)(end - start)))
		return;
}

int stacks_release(const struct stacks *stacks, int fd)
{
	// Made as long as it is, some filesystems would not give anything back.
	return ftruncate(fd, (off_t)(stacks->table + 1)) ? -errno : 0;
}

int stacks_claim(struct stacks *stacks, struct sparse_writer *writer)
{
	uint64_t table_end;
	int error = thin_core_write(stacks->head, &stacks->extents, writer->fd, stacks->table,
				    &table_end, &stacks->runs);

	if (error)
		return error;
	free_table_room(stacks, writer->fd, table_end ? table_end : stacks->table);
	writer->offset = stacks->end > table_end ? stacks->end : table_end;
	writer->data_end = writer->offset;
	return 0;
}
