#include "important.h"

#include <elf.h>

#include "core_files.h"
#include "core_thread.h"
#include "link_map.h"
#include "process_memory.h"

enum {
	KIB = 1024,
	MIB = 1024 * KIB,
	RED_ZONE = 256,            // bytes below a stack pointer that are in use
	GUARD = 1 * MIB,           // a pointer that overflowed is at most so far below
	STACK_TOP = 64 * KIB,      // innermost frames of each thread
	STACK = 1 * MIB,           // of the first threads
	CRASHED_STACK = 8 * MIB,   // as much as it usually may become when it overflows
	STACK_BOTTOM = 64 * KIB,   // outermost frames of a deeper stack
	THREAD_LIMIT = 4096,
	LARGE_STACKS = 64,         // threads with more than STACK_TOP
	SCANNED = 64 * KIB,        // of the crashed thread's stack, for pointers
	SCANNED_OTHERS = 4 * KIB,
	TARGET = 256,              // bytes behind a register, for pointers
	DATA = 1 * MIB,            // of one module's data
	SMALL = 128 * KIB,         // anonymous memory that is kept whole
	EDGE = 8 * KIB,            // of larger one: an allocator's heap begins with its state
};

// Bytes of each kind of memory.
static const uint64_t STACKS_LIMIT = 64 * MIB, DATA_LIMIT = 24 * MIB,
		      ANONYMOUS_LIMIT = 16 * MIB, POINTERS_LIMIT = 16 * MIB;

struct important {
	struct keeper *keeper;
	const struct core_head *head;
	struct core_files files;
	size_t thread_count;
	struct core_note threads[THREAD_LIMIT]; // the crashed one first
};

// Bytes that were kept since the writer had `before`.
static bool is_below(const struct important *important, uint64_t before, uint64_t limit)
{
	return !important->keeper->error &&
	       important->keeper->writer->bytes_stored - before < limit;
}

// The segment of a stack; an overflow leaves the pointer below it.
static const struct core_segment *find_stack(const struct important *important,
					     uint64_t pointer)
{
	const struct core_map *map = important->keeper->map;
	size_t at = core_map_after(map, pointer);

	if (at == map->count || map->list[at].address > INT64_MAX ||
	    (map->list[at].address > pointer && map->list[at].address - pointer > GUARD))
		return NULL;
	return &map->list[at];
}

static void keep_stack(struct important *important, const struct core_thread *thread,
		       uint64_t size)
{
	uint64_t pointer = thread->stack_pointer;
	const struct core_segment *segment = find_stack(important, pointer);

	if (!segment)
		return;
	uint64_t start = pointer > segment->address + RED_ZONE ? pointer - RED_ZONE
							       : segment->address;
	uint64_t left = segment->address + segment->size - start;
	keeper_keep(important->keeper, start, left < size ? left : size);
	if (left > size && size > STACK_TOP)
		keeper_keep(important->keeper, start + left - STACK_BOTTOM, STACK_BOTTOM);
}

static void keep_targets(struct important *important, const uint8_t *data, size_t size)
{
	size_t word = core_head_word_size(important->head);

	for (size_t at = 0; at + word <= size && !important->keeper->error; at += word)
		keeper_keep_around(important->keeper,
				   core_head_word(important->head, data + at));
}

// Keep what the words of some memory point to.
static void follow(struct important *important, uint64_t address, uint64_t size,
		   uint64_t limit)
{
	uint8_t words[4 * KIB];
	uint64_t before = important->keeper->writer->bytes_stored;

	address -= address % sizeof(uint64_t);
	for (; size && address <= INT64_MAX && is_below(important, before, limit);) {
		size_t piece = size < sizeof(words) ? (size_t)size : sizeof(words);
		ssize_t got = process_memory_read(important->keeper->memory, words, piece,
						  address);
		if (got <= 0)
			return;
		keep_targets(important, words, (size_t)got);
		address += (uint64_t)got;
		size -= (uint64_t)got;
	}
}

static void keep_registers(struct important *important, const struct core_thread *thread)
{
	for (size_t i = 0; i < thread->register_count; i++)
		keeper_keep_around(important->keeper, thread->registers[i]);
}

// Follow what the registers lead to, and the innermost frames.
static void follow_thread(struct important *important, const struct core_thread *thread,
			  uint64_t scanned)
{
	for (size_t i = 0; i < thread->register_count; i++)
		if (core_map_find(important->keeper->map, thread->registers[i]))
			follow(important, thread->registers[i], TARGET, POINTERS_LIMIT);
	follow(important, thread->stack_pointer, scanned, POINTERS_LIMIT);
}

// What module an address belongs to: ELF headers, and with them the build-id.
static void keep_modules(struct important *important)
{
	const struct core_map *map = important->keeper->map;
	const struct core_files *files = &important->files;
	struct core_file file;

	const struct core_segment *vdso = core_map_find(map, files->vdso);
	if (vdso)
		keeper_keep(important->keeper, vdso->address, vdso->size);
	link_map_keep(important->keeper, important->head);
	for (size_t i = 0; i < map->count; i++)
		if (core_files_find(files, map->list[i].address, &file) && !file.offset)
			keeper_keep(important->keeper, map->list[i].address, 1);
}

// Variables, and pages that were relocated. Text is in the file.
static void keep_data(struct important *important)
{
	const struct core_map *map = important->keeper->map;
	uint64_t before = important->keeper->writer->bytes_stored;
	struct core_file file;

	for (size_t i = 0; i < map->count; i++) {
		const struct core_segment *segment = &map->list[i];
		if (!is_below(important, before, DATA_LIMIT))
			return;
		if (segment->flags & PF_X ||
		    !core_files_find(&important->files, segment->address, &file))
			continue;
		keeper_keep(important->keeper, segment->address,
			    segment->size < DATA ? segment->size : DATA);
	}
}

// .bss, thread-local storage, and the ends of heaps.
static void keep_anonymous(struct important *important)
{
	const struct core_map *map = important->keeper->map;
	uint64_t before = important->keeper->writer->bytes_stored;
	struct core_file file;

	for (size_t i = 0; i < map->count; i++) {
		const struct core_segment *segment = &map->list[i];
		uint64_t start = segment->address, size = segment->size;
		if (!is_below(important, before, ANONYMOUS_LIMIT))
			return;
		if (!(segment->flags & PF_W) ||
		    core_files_find(&important->files, start, &file))
			continue;
		keeper_keep(important->keeper, start, size < SMALL ? size : EDGE);
		if (size >= SMALL)
			keeper_keep(important->keeper, start + size - EDGE, EDGE);
	}
}

static void keep_threads(struct important *important, size_t count, uint64_t size)
{
	uint64_t before = important->keeper->writer->bytes_stored;
	struct core_thread thread;

	for (size_t i = 0; i < count && is_below(important, before, STACKS_LIMIT); i++) {
		if (!core_thread_read(important->head, &important->threads[i], &thread))
			return;
		keep_stack(important, &thread, size);
		keep_registers(important, &thread);
	}
}

static void follow_threads(struct important *important, size_t count)
{
	uint64_t before = important->keeper->writer->bytes_stored;
	struct core_thread thread;

	for (size_t i = 0; i < count && is_below(important, before, POINTERS_LIMIT); i++)
		if (core_thread_read(important->head, &important->threads[i], &thread))
			follow_thread(important, &thread, i ? SCANNED_OTHERS : SCANNED);
}

void important_keep(struct keeper *keeper, const struct core_head *head)
{
	static struct important important; // too large for a stack

	important.keeper = keeper;
	important.head = head;
	// Without the list every segment is taken for anonymous memory.
	core_files_init(head, &important.files);
	important.thread_count = core_head_notes(head, "CORE", NT_PRSTATUS, important.threads,
						 THREAD_LIMIT);
	size_t count = important.thread_count;
	size_t first = count < LARGE_STACKS ? count : LARGE_STACKS;
	keep_threads(&important, count ? 1 : 0, STACK_TOP);
	keep_modules(&important);
	keep_data(&important);
	follow_threads(&important, count ? 1 : 0);
	keep_threads(&important, count, STACK_TOP);
	keep_anonymous(&important);
	keep_threads(&important, count ? 1 : 0, CRASHED_STACK);
	keep_threads(&important, first, STACK);
	follow_threads(&important, first);
}
