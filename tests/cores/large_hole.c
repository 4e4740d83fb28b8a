// Maps a gibibyte and touches a page in each 16 MiB of it, then crashes.

#include <stdlib.h>
#include <sys/mman.h>

enum { SIZE = 1 << 30, STEP = 16 << 20 };

int main(void)
{
	char *area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return 1;
	for (int at = 0; at < SIZE - STEP; at += STEP)
		area[at] = 'x';
	*(volatile int *)8 = 1;
	return 0;
}
