#include "memory_fetch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core_files.h"
#include "process_memory.h"

enum { WINDOW_PAGES = 4096, PIECE_SIZE = SPARSE_BUFFER_SIZE };

// A page is there or in swap: bits 63 and 62 (Documentation/admin-guide/mm/pagemap.rst).
static const uint64_t EXISTS = 3ULL << 62;

struct fetch {
	const struct core_head *head;
	struct space *space;
	struct patience *patience;
	struct sparse_writer *writer;
	struct process_memory memory;
	int pagemap; // /proc/PID/pagemap
	uint64_t page_size;
	struct core_files files;
	uint64_t window_start; // page number of window[0]
	size_t window_count;
	uint64_t window[WINDOW_PAGES]; // pagemap entries
};

// The kernel faults in pages of mappings that have a file or are the vdso, and writes
// them; a page of anonymous memory that does not exist it leaves out (mm/gup.c,
// no_page_table, FOLL_DUMP).
static bool is_faulted_in(const struct fetch *fetch, const struct core_segment *segment)
{
	struct core_file file;

	return core_files_find(&fetch->files, segment->address, &file) ||
	       fetch->files.vdso - segment->address < segment->size;
}

static int open_process(const struct process *process, struct fetch *fetch)
{
	int error = process_memory_open(process, &fetch->memory);

	fetch->pagemap = openat(process->task, "pagemap", O_RDONLY | O_CLOEXEC);
	return error || fetch->pagemap < 0 ? -ENOTSUP : 0;
}

static void close_process(struct fetch *fetch)
{
	process_memory_close(&fetch->memory);
	if (fetch->pagemap >= 0)
		close(fetch->pagemap);
}

static ssize_t read_piece(struct fetch *fetch, uint64_t address, size_t size, bool exists)
{
	return exists ? process_memory_read_present(&fetch->memory, fetch->writer->buffer,
						    size, address)
		      : process_memory_read(&fetch->memory, fetch->writer->buffer, size,
					    address);
}

static int copy_memory(struct fetch *fetch, uint64_t address, uint64_t size, bool exists)
{
	while (size) {
		size_t piece = size < PIECE_SIZE ? (size_t)size : PIECE_SIZE;
		ssize_t got = read_piece(fetch, address, piece, exists);
		int error = 0;

		// The kernel waits for this page: then it waits, and we for the pipe.
		if (got < 0 && errno == EAGAIN)
			return -ENOTSUP;
		if (got == 0 || (got < 0 && errno != EIO))
			return -ESRCH;
		if (got < 0) {
			// Beyond the end of its file, or poisoned: the kernel could not
			// read this page either, and leaves it out.
			got = (ssize_t)(fetch->page_size - address % fetch->page_size);
			got = (uint64_t)got < size ? got : (ssize_t)size;
			sparse_writer_skip(fetch->writer, (uint64_t)got);
		} else {
			error = sparse_writer_append(fetch->writer, fetch->writer->buffer,
						     (size_t)got);
		}
		error = error ? error : space_watch(fetch->space, fetch->writer->bytes_stored);
		patience_progress(fetch->patience);
		error = error ? error : patience_check(fetch->patience);
		if (error)
			return error;
		address += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return 0;
}

// Make the window begin at a page. A short read is the end of the address space.
static int load_window(struct fetch *fetch, uint64_t page)
{
	ssize_t got;

	do
		got = pread(fetch->pagemap, fetch->window, sizeof(fetch->window),
			    (off_t)(page * sizeof(uint64_t)));
	while (got < 0 && errno == EINTR);
	if (got < (ssize_t)sizeof(uint64_t))
		return -ESRCH;
	fetch->window_start = page;
	fetch->window_count = (size_t)got / sizeof(uint64_t);
	// Terabytes of nothing take time, too.
	patience_progress(fetch->patience);
	return patience_check(fetch->patience);
}

// Count pages from `page` on, `count` at most, that exist like the first one or do not.
static int page_run(struct fetch *fetch, uint64_t page, uint64_t count, bool *ret_exist,
		    uint64_t *ret)
{
	if (page - fetch->window_start >= fetch->window_count) {
		int error = load_window(fetch, page);
		if (error)
			return error;
	}
	size_t first = (size_t)(page - fetch->window_start), at = first;
	*ret_exist = fetch->window[first] & EXISTS;
	while (at < fetch->window_count && at - first < count &&
	       !(fetch->window[at] & EXISTS) == !*ret_exist)
		at++;
	*ret = at - first;
	return 0;
}

static int copy_existing(struct fetch *fetch, const struct core_segment *segment)
{
	uint64_t page = segment->address / fetch->page_size;
	uint64_t count = segment->size / fetch->page_size, run;
	bool exist;

	for (; count; page += run, count -= run) {
		int error = page_run(fetch, page, count, &exist, &run);
		if (!error && exist)
			error = copy_memory(fetch, page * fetch->page_size,
					    run * fetch->page_size, true);
		else if (!error)
			sparse_writer_skip(fetch->writer, run * fetch->page_size);
		if (error)
			return error;
	}
	return 0;
}

static int fetch_segment(struct fetch *fetch, const struct core_segment *segment)
{
	uint64_t last;

	if (segment->offset < fetch->writer->offset ||
	    segment->address % fetch->page_size || segment->size % fetch->page_size ||
	    __builtin_add_overflow(segment->address, segment->size - 1, &last))
		return -ENOTSUP;
	sparse_writer_skip(fetch->writer, segment->offset - fetch->writer->offset);
	if (last > INT64_MAX) {
		// x86's vsyscall page is in the kernel's half, where pread(2) cannot go.
		// Execute-only, as it is since Linux 5.2, it is written as zeros.
		if (segment->flags & PF_R)
			return -ENOTSUP;
		sparse_writer_skip(fetch->writer, segment->size);
		return 0;
	}
	if (is_faulted_in(fetch, segment))
		return copy_memory(fetch, segment->address, segment->size, false);
	return copy_existing(fetch, segment);
}

static int fetch_segments(struct fetch *fetch)
{
	struct core_segment segment;
	int error = 0;

	for (uint32_t i = 0; i < fetch->head->segment_count && !error; i++) {
		core_head_segment(fetch->head, i, &segment);
		if (segment.type == PT_LOAD && segment.size)
			error = fetch_segment(fetch, &segment);
	}
	if (!error && fetch->writer->offset < fetch->head->end)
		sparse_writer_skip(fetch->writer, fetch->head->end - fetch->writer->offset);
	return error;
}

int memory_fetch(const struct core_head *head, const struct process *process,
		 struct space *space, struct patience *patience,
		 struct sparse_writer *writer)
{
	struct fetch fetch = {
		.head = head,
		.space = space,
		.patience = patience,
		.writer = writer,
		.memory = {.fd = -1, .map = {.maps = -1, .pages = -1}},
		.pagemap = -1,
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	int error = core_files_init(head, &fetch.files);

	error = error ? error : open_process(process, &fetch);
	error = error ? error : fetch_segments(&fetch);
	close_process(&fetch);
	return error;
}
