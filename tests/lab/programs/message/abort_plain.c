// A program that gives up without a word.
//
// must: abort
// never: memory.* null* heap.* double-free assert signal.sent
// function: fail
// kind: aborted
#include "lab.h"

APART static void fail(const char *why)
{
	fprintf(stderr, "fatal: %s\n", why);
	abort();
}

int main(void)
{
	char *buffer = malloc(1000);

	free(buffer);
	fail("no configuration");
	return 0;
}
