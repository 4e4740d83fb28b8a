// A function frees its argument, which a caller made on its stack.
//
// must: invalid-free
// may: null null.read memory.read memory.unmapped invalid-pointer call-contract abort
// never: memory.write double-free heap.* use-after-free
// function: consume
// only: glibc
#include "lab.h"

APART static size_t consume(char *text)
{
	size_t length = strlen(text);

	free(text);
	return length;
}

int main(void)
{
	char own[64] = "on the stack";
	char *copy = strdup("on the heap");

	return (int)(consume(copy) + consume(own));
}
