// strcmp of an option that was not given.
//
// must: memory.read null call-contract
// may: null.read memory.unmapped
// never: use-after-free heap.* noncanonical memory.write
// function: is_mode
// build: -g -O2
#include "lab.h"

APART static int is_mode(const char *name)
{
	const char *mode = getenv(name);

	return !strcmp(mode, hidden("fast"));
}

int main(void)
{
	return is_mode("LAB_MODE_THAT_NOBODY_SETS");
}
