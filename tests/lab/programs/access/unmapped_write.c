// An index that is read from a message is not checked: far beyond the array.
//
// must: memory.write memory.unmapped
// may: invalid-pointer
// never: null noncanonical use-after-free
// function: store
// build: -g -O2
#include "lab.h"

static unsigned char slots[256];

APART static void store(const unsigned char *message)
{
	unsigned index;

	memcpy(&index, message, sizeof(index));
	slots[index] = message[4];
}

int main(void)
{
	unsigned char good[] = { 3, 0, 0, 0, 7 };
	unsigned char bad[] = { 0xff, 0xff, 0xff, 0x7f, 7 };

	store(hidden(good));
	store(hidden(bad));
	return slots[3];
}
