// The mean of no values.
//
// must: divide
// never: memory.* null* illegal-instruction
// function: mean
// build: -g -O2
#include "lab.h"

struct series {
	int count;
	long values[8];
};

APART static long mean(const struct series *series)
{
	long sum = 0;

	for (int i = 0; i < series->count; i++)
		sum += series->values[i];
	return sum / series->count;
}

int main(void)
{
	static struct series full = { 3, { 1, 2, 3 } }, empty;

	return (int)(mean(hidden(&full)) + mean(hidden(&empty)));
}
