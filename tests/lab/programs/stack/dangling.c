// A pointer to a local variable outlives its function; another call writes over it.
//
// must: memory.read|memory.write
// may: memory.unmapped noncanonical invalid-pointer stale-pointer memory.read
//     uninitialised
// never: null use-after-free heap.* stack-overflow
// function: total
#include "lab.h"

struct range {
	const int *first, *last;
};

APART static struct range *whole(const int *numbers, int count)
{
	struct range range = { numbers, numbers + count };

	return hidden(&range);
}

APART static int scribble(int seed)
{
	volatile unsigned char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(seed + i % 100);
	return bytes[100];
}

APART static long total(const struct range *range)
{
	long sum = 0;

	for (const int *p = range->first; p != range->last; p++)
		sum += *p;
	return sum;
}

int main(void)
{
	static const int numbers[] = { 1, 2, 3, 4 };
	struct range *range = whole(numbers, 4);

	scribble(11);
	return (int)total(range);
}
