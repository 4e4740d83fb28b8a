// A counter is raised through a pointer into a page that is read-only by now.
//
// must: memory.write memory.protection
// never: memory.read null use-after-free
// function: hit
// build: -g -O2
#include <sys/mman.h>
#include "lab.h"

struct counters {
	long hits[16];
};

APART static void hit(struct counters *counters, int which)
{
	counters->hits[which]++;
}

int main(void)
{
	struct counters *counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	hit(counters, 3);
	mprotect(counters, 4096, PROT_READ);
	hit(counters, 3);
	return 0;
}
