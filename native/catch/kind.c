#include "kind.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "address_map.h"
#include "process_stat.h"

enum { STACK_SIZE = 4096 };

struct place {
	uint64_t code; // an address in the executable
	uint64_t stack;
	uint64_t counter;
};

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
#define FNV_OFFSET 0xcbf29ce484222325
#define FNV_PRIME 0x100000001b3

static void mix(uint64_t *hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ bytes[i]) * FNV_PRIME;
}

static void mix_number(uint64_t *hash, uint64_t number)
{
	mix(hash, &number, sizeof(number));
}

// The kernel shows the registers of a thread that dumps (fs/proc/array.c, do_task_stat:
// PF_DUMPCORE), and zeros of others.
static void read_place(const struct process *process, struct place *ret)
{
	enum { COUNT = STAT_PROGRAM_COUNTER - STAT_START_CODE + 1 };
	uint64_t fields[COUNT];

	process_stat(process->task, "stat", STAT_START_CODE, COUNT, fields);
	*ret = (struct place){
		.code = fields[0],
		.stack = fields[STAT_STACK_POINTER - STAT_START_CODE],
		.counter = fields[STAT_PROGRAM_COUNTER - STAT_START_CODE],
	};
}

// Files without a name and a build-id are where compilers at run time put code: another
// one in each process. Returns false for them.
static bool mix_file(struct address_map *map, const struct mapping *mapping,
		     uint64_t *hash)
{
	uint8_t id[BUILD_ID_SIZE];
	int size = address_map_build_id(map, mapping, id);

	if (size <= 0 && mapping->deleted)
		return false;
	if (size > 0) {
		mix(hash, id, (size_t)size);
	} else {
		mix_number(hash, mapping->device);
		mix_number(hash, mapping->inode);
	}
	return true;
}

static void mix_offset(const struct mapping *mapping, uint64_t address, uint64_t *hash)
{
	mix_number(hash, address - mapping->start + mapping->offset);
}

static uint64_t read_word(const uint8_t *data, size_t size)
{
	uint32_t half;
	uint64_t word;

	if (size == sizeof(half)) {
		memcpy(&half, data, sizeof(half));
		return half;
	}
	memcpy(&word, data, sizeof(word));
	return word;
}

// Read the top of the stack as far as it is there. Returns its size.
static size_t read_stack(const struct process *process, const struct address_map *map,
			 uint64_t stack, uint8_t *ret)
{
	uint64_t page_size = (uint64_t)getpagesize();
	uint64_t second = stack - stack % page_size + page_size;
	size_t size = STACK_SIZE;

	if (stack > INT64_MAX - 2 * page_size || !address_map_is_present(map, stack))
		return 0;
	if (second - stack < size && !address_map_is_present(map, second))
		size = second - stack;
	int memory = openat(process->task, "mem", O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return 0;
	ssize_t got = pread(memory, ret, size, (off_t)stack);
	close(memory);
	return got > 0 ? (size_t)got : 0;
}

// Find the first word of the stack that points into the executable's code: what the
// executable has called, or a remainder of it.
static uint64_t find_caller(const struct process *process, const struct address_map *map,
			    uint64_t stack, const struct mapping *code)
{
	uint8_t data[STACK_SIZE];
	size_t size = read_stack(process, map, stack, data);
	// Code below 4 GiB may be that of a process with short words.
	size_t step = code->end <= UINT32_MAX ? sizeof(uint32_t) : sizeof(uint64_t);

	for (size_t at = 0; at + step <= size; at += step) {
		uint64_t word = read_word(data + at, step);
		if (word >= code->start && word < code->end)
			return word;
	}
	return 0;
}

static void mix_place(const struct process *process, struct address_map *map,
		      const struct place *place, const struct mapping *code, uint64_t *hash)
{
	struct mapping module;

	if (!place->counter)
		return;
	if (place->counter >= code->start && place->counter < code->end) {
		mix_offset(code, place->counter, hash);
		return;
	}
	// Where a wild jump has ended says nothing; what has jumped does.
	if (!address_map_find(map, place->counter, &module) && mix_file(map, &module, hash))
		mix_offset(&module, place->counter, hash);
	uint64_t caller = find_caller(process, map, place->stack, code);
	if (caller)
		mix_offset(code, caller, hash);
}

void kind_find(const struct process *process, const struct arguments *arguments,
	       const char *path, struct kind *ret)
{
	struct address_map map = {.maps = -1, .pages = -1};
	struct mapping code = {0};
	struct place place = {0};
	bool readable = process->directory >= 0 && !process->foreign;
	uint64_t hash = FNV_OFFSET;

	if (readable)
		read_place(process, &place);
	bool known = place.code && !address_map_open(process->task, &map) &&
		     !address_map_find(&map, place.code, &code);
	if (!known || !mix_file(&map, &code, &hash))
		mix(&hash, path, strlen(path));
	ret->executable = hash ? hash : 1;
	mix_number(&hash, (uint64_t)arguments->signal);
	if (known)
		mix_place(process, &map, &place, &code, &hash);
	ret->fault = hash ? hash : 1;
	address_map_close(&map);
}
