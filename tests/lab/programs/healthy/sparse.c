// Mappings of all kinds, most of them untouched; malloc of blocks that are mapped.
//
// must: signal.sent
// never: memory.* null* heap.* security.nx use-after-free
// kind: healthy
// by: signal SIGQUIT
#include <sys/mman.h>
#include "lab.h"

int main(void)
{
	volatile unsigned long spins = 0;
	char *reserved = mmap(NULL, 1L << 36, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *large[8];

	mprotect(reserved + (1L << 30), 1 << 20, PROT_READ | PROT_WRITE);
	memset(reserved + (1L << 30), 1, 1 << 20);
	for (int i = 0; i < 8; i++) {
		large[i] = malloc(300000u << i % 4);
		large[i][1000] = 1;
	}
	for (int i = 0; i < 8; i += 2)
		free(large[i]);
	tell_ready();
	for (;;)
		spins++;
}
