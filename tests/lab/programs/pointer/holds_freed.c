// A program that keeps pointers to freed memory, and never uses them, gives up for
// another reason.
//
// must: assert
// never: use-after-free double-free invalid-free heap.* memory.* stale-pointer
// function: verify
// kind: aborted
// build: -g -O1
#include <assert.h>
#include "lab.h"

static void *history[64];

APART static void verify(long expected, long found)
{
	assert(expected == found);
}

int main(void)
{
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 64; i++)
			history[i] = malloc(16 + (size_t)i * 24);
		for (int i = 63; i >= 0; i--)
			free(history[i]);
	}
	verify(hidden_number(4), (long)(uintptr_t)history[1] & 1);
	return 0;
}
