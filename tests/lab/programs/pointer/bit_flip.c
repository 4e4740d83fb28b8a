// One bit of a pointer is another one than it was, as by a bad memory module.
//
// must: memory.read
// may: bit-flip memory.unmapped invalid-pointer noncanonical
// never: null use-after-free double-free heap.*
// function: sum
// build: -g -O2
#include "lab.h"

struct block {
	struct block *next;
	long values[14];
};

APART static long sum(const struct block *block)
{
	long sum = 0;

	for (; block; block = block->next)
		for (int i = 0; i < 14; i++)
			sum += block->values[i];
	return sum;
}

int main(void)
{
	struct block *list = NULL, *tenth = NULL;

	for (int i = 0; i < 200; i++) {
		struct block *block = calloc(1, sizeof(*block));
		block->next = list;
		list = block;
		if (i == 10)
			tenth = block;
	}
	long before = sum(list);
	*(uintptr_t *)hidden(&tenth->next) ^= 1UL << 41;
	return (int)(before + sum(list));
}
