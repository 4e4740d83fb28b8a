// Vectors are read from the middle of a message as if they were aligned.
//
// must: alignment
// may: memory.read
// never: null noncanonical invalid-pointer use-after-free memory.unmapped
// function: sum
// build: -g -O1
#include <immintrin.h>
#include "lab.h"

APART static float sum(const __m128 *vectors, int count)
{
	__m128 total = _mm_setzero_ps();

	for (int i = 0; i < count; i++)
		total = _mm_add_ps(total, vectors[i]);
	return total[0] + total[1] + total[2] + total[3];
}

int main(void)
{
	char *message = aligned_alloc(64, 256);

	memset(message, 0, 256);
	return (int)(sum((__m128 *)message, 4) + sum(hidden(message + 6), 4));
}
