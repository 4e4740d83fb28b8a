// An index of -1 writes into the block's own header.
//
// must: heap.corrupt|heap.overflow
// may: heap.corrupt heap.overflow abort
// never: memory.* null* double-free use-after-free invalid-free
// unfound: block its own header is damaged, so the block is not one
// function: destroy
// only: glibc
#include "lab.h"

struct histogram {
	int *bins;
	int count;
};

APART static void add(struct histogram *histogram, int value)
{
	histogram->bins[value - 1] += 77;
	histogram->bins[value - 2] += 77;
}

APART static void destroy(struct histogram *histogram)
{
	free(histogram->bins);
}

int main(void)
{
	struct histogram histogram = { calloc(32, sizeof(int)), 32 };
	char *after = malloc(10);

	tell_block("live", histogram.bins, 32 * sizeof(int));
	add(hidden(&histogram), 0);
	destroy(&histogram);
	return after[0];
}
