// A large buffer is used after it was freed, when its pages have been given back.
//
// must: memory.read
// may: use-after-free memory.unmapped memory.protection invalid-pointer stale-pointer
//     noncanonical
// never: null double-free heap.overflow
// function: checksum
// only: jemalloc junk
// environment: MALLOC_CONF=junk:true,retain:false,dirty_decay_ms:0,muzzy_decay_ms:0
#include "lab.h"

APART static unsigned long checksum(const unsigned long *words, size_t count)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = sum * 31 + words[i];
	return sum;
}

int main(void)
{
	size_t size = 40 << 20;
	unsigned long *words = calloc(1, size);
	unsigned long before = checksum(words, size / 8);

	free(words);
	return (int)(before + checksum(hidden(words), size / 8));
}
