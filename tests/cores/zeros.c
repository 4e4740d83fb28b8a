// Maps four gibibytes that it reads and never writes, and a little that it writes.

#include <string.h>
#include <sys/mman.h>

enum { STEP = 256 << 20, STEPS = 16 };

int main(void)
{
	size_t size = (size_t)STEP * STEPS;
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED || page == MAP_FAILED)
		return 1;
	for (size_t at = 0; at < size; at += STEP)
		if (((volatile char *)area)[at])
			return 2;
	// Zeros that take memory, beside others that do not.
	memset(page, 0, 1 << 20);
	*(volatile int *)8 = 1;
	return 0;
}
