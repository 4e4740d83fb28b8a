// A file that could not be opened is closed all the same.
//
// must: memory.read null
// may: null.read memory.unmapped call-contract
// never: use-after-free heap.* noncanonical memory.write
// function: read_first
#include "lab.h"

APART static int read_first(const char *name)
{
	FILE *file = fopen(name, "r");
	int first = 0;

	if (file)
		first = getc(file);
	fclose(file);
	return first;
}

int main(void)
{
	return read_first("/proc/self/maps") + read_first("/no/such/file");
}
