// What a freed block holds has changed hands and is gone again: the pointer that is read
// from it is another owner's number.
//
// must: memory.write use-after-free
// may: memory.unmapped noncanonical invalid-pointer stale-pointer
// never: null double-free heap.overflow
// function: deliver
// only: jemalloc junk
// build: -g -O1
#include "lab.h"

struct parcel {
	char *address;
	long weight;
	long stamps[4];
};

APART static void deliver(struct parcel *parcel)
{
	parcel->address[0] = 'A';
}

int main(void)
{
	static char address[32];
	struct parcel *parcel = malloc(sizeof(*parcel));

	parcel->address = address;
	deliver(parcel);
	free(parcel);
	long *numbers = malloc(sizeof(*parcel));
	for (int i = 0; i < 6; i++)
		numbers[i] = 0x515253545556;
	tell_block("free", parcel, sizeof(*parcel));
	free(numbers);
	deliver(hidden(parcel));
	return 0;
}
