#include "process_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int process_memory_open(const struct process *process, struct process_memory *ret)
{
	*ret = (struct process_memory){.fd = -1, .map = {.maps = -1, .pages = -1}};
	int error = address_map_open(process->task, &ret->map);

	if (error)
		return error;
	ret->fd = openat(process->task, "mem", O_RDONLY | O_CLOEXEC);
	return ret->fd < 0 ? -errno : 0;
}

void process_memory_close(struct process_memory *memory)
{
	if (memory->fd >= 0)
		close(memory->fd);
	address_map_close(&memory->map);
}

// How many bytes from an address on are in pages that are there, `size` at most.
static uint64_t present(const struct process_memory *memory, uint64_t address, uint64_t size)
{
	uint64_t page = (uint64_t)getpagesize(), at = address;

	while (at - address < size && address_map_is_present(&memory->map, at))
		at += page - at % page;
	return at - address < size ? at - address : size;
}

// How many bytes from an address on can be read without waiting, `size` at most.
static uint64_t at_hand(struct process_memory *memory, uint64_t address, uint64_t size)
{
	struct mapping mapping;

	if (address < memory->start || address >= memory->end) {
		int error = address_map_find_next(&memory->map, address, &mapping);
		if (error && error != -ENOENT)
			return present(memory, address, size);
		memory->start = address;
		memory->end = error ? UINT64_MAX : mapping.start;
		if (!error && mapping.start <= address) {
			memory->end = address; // nothing is known
			if (!address_map_is_local(&memory->map, &mapping)) {
				uint64_t left = mapping.end - address;
				return present(memory, address, left < size ? left : size);
			}
			memory->end = mapping.end;
		}
	}
	return memory->end - address < size ? memory->end - address : size;
}

ssize_t process_memory_read_present(const struct process_memory *memory, void *data,
				    size_t size, uint64_t address)
{
	ssize_t got;

	do
		got = pread(memory->fd, data, size, (off_t)address);
	while (got < 0 && errno == EINTR);
	return got;
}

ssize_t process_memory_read(struct process_memory *memory, void *data, size_t size,
			    uint64_t address)
{
	uint64_t readable = at_hand(memory, address, size);

	if (size && !readable) {
		errno = EAGAIN;
		return -1;
	}
	return process_memory_read_present(memory, data, readable, address);
}

bool process_memory_is_at_hand(struct process_memory *memory, uint64_t address, uint64_t size)
{
	uint64_t readable = 1;

	for (; size && readable; address += readable, size -= readable)
		readable = at_hand(memory, address, size);
	return !size;
}

int process_memory_word(struct process_memory *memory, const struct core_head *head,
			uint64_t address, uint64_t *ret)
{
	uint8_t data[sizeof(uint64_t)];
	size_t size = core_head_word_size(head);

	if (address > INT64_MAX ||
	    process_memory_read(memory, data, size, address) != (ssize_t)size)
		return -EFAULT;
	*ret = core_head_word(head, data);
	return 0;
}
