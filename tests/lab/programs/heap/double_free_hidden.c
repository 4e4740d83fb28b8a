// A freed block is written to, so that libc does not see that it is freed again: two
// owners are given the same memory, and one reads the other's text as a pointer.
//
// must: memory.read
// may: noncanonical double-free use-after-free stale-pointer type-violation heap.corrupt
//     invalid-pointer
// never: null heap.overflow invalid-free
// function: area
// only: glibc
#include "lab.h"

struct shape {
	double *sides;
	long count;
	long flags;
};

APART static double area(const struct shape *shape)
{
	double product = 1;

	for (long i = 0; i < shape->count; i++)
		product *= shape->sides[i];
	return product;
}

int main(void)
{
	static double sides[] = { 2, 3 };
	struct shape *old = malloc(sizeof(*old));

	free(old);
	((struct shape *)hidden(old))->count = 0;
	free(hidden(old));
	struct shape *shape = malloc(sizeof(*shape));
	*shape = (struct shape){ sides, 2, 0 };
	char *name = malloc(24);
	strcpy(name, "a rectangle");
	shape->count = 2;
	return (int)area(shape) + name[0];
}
