// The destination of a copy is what malloc could not give.
//
// must: memory.write null call-contract
// may: null.write memory.unmapped
// never: use-after-free heap.* noncanonical
// function: duplicate
#include "lab.h"

APART static char *duplicate(const char *bytes, size_t size)
{
	char *copy = malloc(size + ((size_t)hidden_number(1) << 62));

	memcpy(copy, bytes, size);
	return copy;
}

int main(void)
{
	static const char bytes[200] = "some bytes";

	return duplicate(bytes, sizeof(bytes))[0];
}
