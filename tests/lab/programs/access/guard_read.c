// A buffer that ends at a page nobody may touch is read one element too far.
//
// must: memory.read memory.protection
// may: heap.overflow
// never: null memory.unmapped stack-overflow
// function: largest
// build: -g -O1
#include <sys/mman.h>
#include "lab.h"

APART static int largest(const int *numbers, int count)
{
	int found = numbers[0];

	for (int i = 1; i <= count; i++)
		if (numbers[i] > found)
			found = numbers[i];
	return found;
}

int main(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(pages + 4096, 4096, PROT_NONE);
	return largest((int *)pages, 1024);
}
