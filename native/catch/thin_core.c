#include "thin_core.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64 };

// A table on its way into the file; only counted if `fd` is negative.
struct table {
	const struct core_head *head;
	const struct extents *stored;
	int fd;
	int error;
	uint64_t offset;     // of the next batch
	uint64_t count;      // headers so far
	uint64_t runs;       // of them with bytes
	size_t entry_size;
	uint8_t batch[BATCH * sizeof(Elf64_Phdr)];
};

static int write_all(int fd, const void *data, size_t size, uint64_t offset)
{
	const uint8_t *bytes = data;

	while (size) {
		ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			bytes += written;
			size -= (size_t)written;
			offset += (uint64_t)written;
		}
	}
	return 0;
}

static void flush(struct table *table)
{
	size_t size = table->count % BATCH * table->entry_size;

	size = size ? size : BATCH * table->entry_size;
	if (table->fd < 0 || table->error)
		return;
	table->error = write_all(table->fd, table->batch, size, table->offset);
	table->offset += size;
}

// Write segment `source` of the old table with other extents.
static void put(struct table *table, uint32_t source, const struct core_segment *segment)
{
	const uint8_t *old = table->head->data + table->head->segments;
	uint8_t *at = table->batch + table->count % BATCH * table->entry_size;

	if (table->head->is_elf32) {
		Elf32_Phdr header;
		memcpy(&header, old + source * sizeof(header), sizeof(header));
		header.p_paddr += (Elf32_Addr)(segment->address - header.p_vaddr);
		header.p_vaddr = (Elf32_Addr)segment->address;
		header.p_offset = (Elf32_Off)segment->offset;
		header.p_filesz = (Elf32_Word)segment->size;
		header.p_memsz = (Elf32_Word)segment->memory;
		memcpy(at, &header, sizeof(header));
	} else {
		Elf64_Phdr header;
		memcpy(&header, old + source * sizeof(header), sizeof(header));
		header.p_paddr += segment->address - header.p_vaddr;
		header.p_vaddr = segment->address;
		header.p_offset = segment->offset;
		header.p_filesz = segment->size;
		header.p_memsz = segment->memory;
		memcpy(at, &header, sizeof(header));
	}
	table->count++;
	table->runs += segment->size && segment->type == PT_LOAD;
	if (table->count % BATCH == 0)
		flush(table);
}

static void put_absent(struct table *table, uint32_t source,
		       const struct core_segment *segment, uint64_t start, uint64_t end)
{
	struct core_segment run = *segment;

	if (start == end)
		return;
	run.address = start;
	run.offset = table->head->memory;
	run.size = 0;
	run.memory = end - start;
	put(table, source, &run);
}

static void put_stored(struct table *table, uint32_t source,
		       const struct core_segment *segment, const struct extent *extent,
		       uint64_t start, uint64_t end)
{
	struct core_segment run = *segment;

	run.address = start;
	run.offset = extent->offset + (start - extent->address);
	run.size = end - start;
	// What is whole stays as the kernel made it.
	run.memory = run.size == segment->size ? segment->memory : run.size;
	put(table, source, &run);
}

// Say whether one extent has the whole segment.
static bool is_whole(const struct core_segment *segment, const struct extent *extent)
{
	return extent->address <= segment->address &&
	       extent->address + extent->size >= segment->address + segment->size;
}

static void put_runs(struct table *table, uint32_t source,
		     const struct core_segment *segment)
{
	uint64_t at = segment->address, end = at + segment->size;
	const struct extents *stored = table->stored;
	size_t i = extents_after(stored, at);

	if (i < stored->count && is_whole(segment, &stored->list[i])) {
		put_stored(table, source, segment, &stored->list[i], at, end);
		return;
	}
	for (; i < stored->count && stored->list[i].address < end; i++) {
		const struct extent *extent = &stored->list[i];
		uint64_t start = extent->address > at ? extent->address : at;
		uint64_t stop = extent->address + extent->size;
		stop = stop < end ? stop : end;
		put_absent(table, source, segment, at, start);
		put_stored(table, source, segment, extent, start, stop);
		at = stop;
	}
	put_absent(table, source, segment, at, segment->address + segment->memory);
}

static void put_segments(struct table *table)
{
	struct core_segment segment;
	uint64_t end;

	for (uint32_t i = 0; i < table->head->segment_count; i++) {
		core_head_segment(table->head, i, &segment);
		if (segment.type == PT_LOAD && segment.memory >= segment.size &&
		    segment.memory &&
		    !__builtin_add_overflow(segment.address, segment.memory, &end))
			put_runs(table, i, &segment);
		else
			put(table, i, &segment);
	}
	if (table->count % BATCH)
		flush(table);
}

// Point the ELF header to the table.
static int write_header(const struct core_head *head, int fd, uint64_t offset,
			uint64_t count)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	if (head->is_elf32) {
		memcpy(&narrow, head->data, sizeof(narrow));
		narrow.e_phoff = (Elf32_Off)offset;
		narrow.e_phnum = (Elf32_Half)count;
		return write_all(fd, &narrow, sizeof(narrow), 0);
	}
	memcpy(&wide, head->data, sizeof(wide));
	wide.e_phoff = offset;
	wide.e_phnum = (Elf64_Half)count;
	return write_all(fd, &wide, sizeof(wide), 0);
}

static size_t entry_size(const struct core_head *head)
{
	return head->is_elf32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
}

uint64_t thin_core_table_size(const struct core_head *head, size_t count)
{
	// Each extent that is not a whole segment leaves two runs beside it.
	return (head->segment_count + 2 * (uint64_t)count) * entry_size(head);
}

int thin_core_write(const struct core_head *head, const struct extents *stored, int fd,
		    uint64_t offset, uint64_t *ret_end, uint64_t *ret_runs)
{
	struct table table = {
		.head = head, .stored = stored, .fd = -1, .entry_size = entry_size(head)};

	put_segments(&table);
	if (table.count > THIN_CORE_HEADER_LIMIT)
		return -E2BIG;
	bool fits = table.count <= head->segment_count;
	offset = fits ? head->segments : offset;
	if (head->is_elf32 && offset > UINT32_MAX)
		return -EFBIG;
	table.fd = fd;
	table.offset = offset;
	table.count = table.runs = 0;
	put_segments(&table);
	int error = table.error;
	error = error ? error : write_header(head, fd, offset, table.count);
	*ret_end = fits ? 0 : table.offset;
	*ret_runs = table.runs;
	return error;
}
