// What is freed was never set: the process dies inside of free.
//
// must: invalid-free memory.read
// may: memory.unmapped invalid-pointer call-contract noncanonical uninitialised
// never: null double-free heap.* use-after-free
// function: reset
#include "lab.h"

struct record {
	long kind;
	void *data;
};

APART static void reset(struct record *record)
{
	free(record->data);
	record->data = NULL;
}

int main(void)
{
	struct record records[2] = { { 1, malloc(30) }, { 2, (void *)0x123456789ab0 } };

	for (int i = 0; i < 2; i++)
		reset(hidden(&records[i]));
	return 0;
}
