// Registers, stack and globals are full of pointers to freed blocks, as they are.
//
// must: signal.sent
// never: memory.* null* heap.* use-after-free double-free invalid-free stale-pointer
// kind: healthy
// by: signal SIGQUIT
// build: -g -O2
#include "lab.h"

static char *last[256];

APART static unsigned long look(char *const *pointers)
{
	unsigned long sum = 0;

	for (int i = 0; i < 256; i++)
		sum += (uintptr_t)pointers[i] >> 4;
	return sum;
}

int main(void)
{
	char *local[256];
	volatile unsigned long sum = 0;

	for (int i = 0; i < 256; i++)
		local[i] = last[i] = strdup("a string that will be freed");
	for (int i = 0; i < 256; i++)
		free(local[i]);
	tell_ready();
	for (;;)
		sum += look(hidden(local)) + look(last);
}
