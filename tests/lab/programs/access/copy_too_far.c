// memcpy is given the length of the longer of two buffers.
//
// must: memory.write
// may: memory.unmapped memory.protection call-contract heap.overflow
// never: null noncanonical use-after-free
// function: take
#include <sys/mman.h>
#include "lab.h"

APART static void take(char *to, const char *from, size_t length)
{
	memcpy(to, from, length);
}

int main(void)
{
	char *large = calloc(1, 65536);
	char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(pages + 2 * 4096, 4096);
	mprotect(pages + 4096, 4096, PROT_READ);
	take(pages, hidden(large), (size_t)hidden_number(65536));
	return pages[0];
}
