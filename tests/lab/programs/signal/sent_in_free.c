// SIGSEGV is sent to a process that does nothing but allocate and free.
//
// must: signal.sent
// never: memory.* null* heap.* use-after-free double-free invalid-free abort
// kind: aborted
// by: signal SIGSEGV
// build: -g -O2
#include "lab.h"

static char *blocks[64];

int main(void)
{
	tell_ready();
	for (unsigned i = 0;; i++) {
		free(blocks[i % 64]);
		blocks[i % 64] = malloc(i % 3000);
	}
}
