// A file is read after its mapping was removed.
//
// must: memory.read memory.unmapped
// may: invalid-pointer use-after-free stale-pointer
// never: null noncanonical double-free
// function: sum_of
#include <sys/mman.h>
#include "lab.h"

struct table {
	size_t count;
	const int *numbers;
};

APART static long sum_of(const struct table *table)
{
	long sum = 0;

	for (size_t i = 0; i < table->count; i++)
		sum += table->numbers[i];
	return sum;
}

int main(void)
{
	struct table table = { 1000, NULL };

	table.numbers = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long before = sum_of(&table);
	munmap((void *)table.numbers, 1 << 20);
	return (int)(before + sum_of(&table));
}
