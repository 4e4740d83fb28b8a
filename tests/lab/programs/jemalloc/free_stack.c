// A local array is freed; jemalloc finds no extent for it and dies inside of free.
//
// must: invalid-free memory.read
// may: null* memory.unmapped invalid-pointer call-contract
// never: double-free use-after-free heap.overflow
// function: finish
// only: jemalloc junk
#include "lab.h"

struct list {
	int *values;
	int count;
};

APART static int finish(struct list *list)
{
	int last = list->values[list->count - 1];

	free(list->values);
	return last;
}

int main(void)
{
	int some[100] = { 1, 2, 3 };
	struct list own = { malloc(400), 100 };
	struct list local = { some, 100 };

	memset(own.values, 0, 400);
	return finish(&own) + finish(hidden(&local));
}
