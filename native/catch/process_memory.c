#include "process_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int process_memory_open(const struct process *process)
{
	int fd = openat(process->task, "mem", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

ssize_t process_memory_read(int memory, void *data, size_t size, uint64_t address)
{
	ssize_t got;

	do
		got = pread(memory, data, size, (off_t)address);
	while (got < 0 && errno == EINTR);
	return got;
}

int process_memory_word(int memory, const struct core_head *head, uint64_t address,
			uint64_t *ret)
{
	uint8_t data[sizeof(uint64_t)];
	size_t size = core_head_word_size(head);

	if (address > INT64_MAX ||
	    process_memory_read(memory, data, size, address) != (ssize_t)size)
		return -EFAULT;
	*ret = core_head_word(head, data);
	return 0;
}
