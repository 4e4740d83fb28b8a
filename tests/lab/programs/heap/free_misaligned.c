// The pointer's low bit is a flag that was not taken off before it is freed.
//
// must: invalid-free abort
// never: memory.* null* double-free use-after-free alignment
// unfound: block no pointer is known of a free that aborted: libc keeps it nowhere
// function: release
// only: glibc
#include "lab.h"

#define SHARED 1UL

struct cell {
	uintptr_t payload;
};

APART static void release(struct cell *cell)
{
	free((void *)cell->payload);
}

int main(void)
{
	void *payload = malloc(48);
	struct cell own = { (uintptr_t)malloc(48) };
	struct cell shared = { (uintptr_t)payload | SHARED };

	release(&own);
	tell_block("live", payload, 48);
	release(hidden(&shared));
	return 0;
}
