// Memory of the waiting process, read by address.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core_head.h"
#include "process.h"

// Returns a descriptor of /proc/PID/mem, or -errno.
int process_memory_open(const struct process *process);

// pread(2), but for being interrupted; of /proc/PID/pagemap, too.
ssize_t process_memory_read(int memory, void *data, size_t size, uint64_t address);

// Read a `long` of the process. Returns 0 or -EFAULT.
int process_memory_word(int memory, const struct core_head *head, uint64_t address,
			uint64_t *ret);
