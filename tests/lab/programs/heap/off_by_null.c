// The NUL behind a string of exactly the block's size clears the next block's flags.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort invalid-free memory.read memory.write
//     noncanonical invalid-pointer call-contract memory.unmapped
// never: null use-after-free
// function: release
// only: glibc
#include "lab.h"

APART static void release(char *block)
{
	free(block);
}

int main(void)
{
	static char text[1305];
	char *name = malloc(1304), *next = malloc(1272), *last = malloc(40);

	memset(text, 'n', 1304);
	tell_block("live", name, 1304);
	strcpy(hidden(name), text);
	release(next);
	release(name);
	return last[0];
}
