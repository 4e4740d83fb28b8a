// malloc fails under a limit, and nobody looks.
//
// must: null memory.write
// may: null.write memory.unmapped oom limit* call-contract
// never: use-after-free heap.* noncanonical
// function: make_table
// shell: ulimit -v 100000
// only: glibc
#include "lab.h"

APART static long *make_table(size_t size)
{
	long *table = malloc(size * sizeof(long));

	table[0] = (long)size;
	return table;
}

int main(void)
{
	long sum = 0;

	for (size_t size = 1000; size < 1 << 28; size *= 4)
		sum += make_table(size)[0];
	return (int)sum;
}
