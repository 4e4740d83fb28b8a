// The announcement's program: a pointer is read from a freed block and written through.
//
// must: memory.write use-after-free
// may: memory.unmapped invalid-pointer stale-pointer noncanonical
// never: null memory.read double-free heap.overflow
// function: program
#include "lab.h"

static char buffer[64];

APART static void program(void)
{
	void **r;
	char *other;

	r = malloc(sizeof(void *));
	*r = buffer;
	tell_block("free", r, sizeof(void *));
	free(r);
	other = malloc(8);
	strcpy(other, "AAAAAA");
	free(other);
	*(char *)*r = '0';
}

int main(void)
{
	program();
	return 0;
}
