// A table grows over its end into a large freed block, which the next request finds.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort
// never: memory.* null* double-free invalid-free
// function: allocate_rows
// only: glibc
#include "lab.h"

APART static long *allocate_rows(size_t rows)
{
	long *table = malloc(rows * sizeof(long));

	for (size_t i = 0; i < rows; i++)
		table[i] = (long)i;
	return table;
}

int main(void)
{
	long *table = allocate_rows(500), *old = allocate_rows(600);
	long *guard = allocate_rows(10);

	free(old);
	tell_block("live", table, 500 * sizeof(long));
	for (int i = 500; i < 505; i++)
		((long *)hidden(table))[i] = 0x0101010101010101;
	long *more = allocate_rows(300);
	return (int)(more[1] + guard[1]);
}
