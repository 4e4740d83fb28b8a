// Memory of the waiting process, read by address.
//
// Reading a page that belongs to a file and is not there makes the kernel ask the file's
// server, which may never answer: a network filesystem, or FUSE, where any user can be
// the server. Only SIGKILL ends that. Such pages are not read.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "address_map.h"
#include "core_head.h"
#include "process.h"

struct process_memory {
	int fd; // /proc/PID/mem, -1 if there is none
	struct address_map map;
	uint64_t start, end; // what can be read as far as is known
};

// Returns 0 or -errno. `process` has to stay open as long.
int process_memory_open(const struct process *process, struct process_memory *ret);
void process_memory_close(struct process_memory *memory);

// pread(2), but for being interrupted. EAGAIN if the first page would have to be waited
// for; less than `size` if a later one would.
ssize_t process_memory_read(struct process_memory *memory, void *data, size_t size,
			    uint64_t address);

// The same of pages that are there.
ssize_t process_memory_read_present(const struct process_memory *memory, void *data,
				    size_t size, uint64_t address);

// Say whether all of a range can be read without waiting.
bool process_memory_is_at_hand(struct process_memory *memory, uint64_t address,
			       uint64_t size);

// Read a `long` of the process. Returns 0 or -EFAULT.
int process_memory_word(struct process_memory *memory, const struct core_head *head,
			uint64_t address, uint64_t *ret);
