// A streaming store to memory that is aligned for long, not for vectors.
//
// must: alignment
// may: memory.write
// never: null noncanonical invalid-pointer use-after-free memory.unmapped
// function: fill
// build: -g -O2
#include <immintrin.h>
#include "lab.h"

APART static void fill(__m128i *to, int count)
{
	for (int i = 0; i < count; i++)
		_mm_stream_si128(to + i, _mm_set1_epi32(i));
	_mm_sfence();
}

int main(void)
{
	long *longs = aligned_alloc(64, 4096);

	fill(hidden(longs), 8);
	fill(hidden(longs + 1), 8);
	return (int)longs[0];
}
