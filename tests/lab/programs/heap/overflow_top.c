// The last block before the untouched end of the heap is written too far.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort
// never: memory.* null* double-free use-after-free invalid-free
// function: join
// only: glibc
// build: -g -O2
#include "lab.h"

APART static char *join(const char *const *words, int count, size_t size)
{
	char *result = malloc(size), *to = result;

	for (int i = 0; i < count; i++)
		for (const char *from = words[i]; *from; from++)
			*to++ = *from;
	*to = 0;
	tell_block("live", result, size);
	return malloc(100000 + size) ? result : NULL;
}

int main(void)
{
	static const char *const words[] = { "these", "words", "are", "more", "than",
					     "forty", "characters", "all", "together" };
	char *result = join(words, 9, (size_t)hidden_number(40));

	return puts(result);
}
