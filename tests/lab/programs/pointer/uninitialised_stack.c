// A local pointer is set on one path only; the other uses what was on the stack.
//
// must: memory.write
// may: memory.unmapped noncanonical invalid-pointer uninitialised
// never: null use-after-free double-free heap.overflow stack-overflow
// function: store
#include "lab.h"

struct slot {
	long values[4];
};

static struct slot first;

APART static int log_number(unsigned long number)
{
	volatile unsigned long digits[40];

	for (int i = 0; i < 40; i++)
		digits[i] = number ^ (unsigned long)i << 20;
	return (int)digits[39];
}

APART static void store(int kind, long value)
{
	struct slot *slot;
	char note[64];

	if (kind == 1)
		slot = &first;
	snprintf(note, 1, "%d", kind);
	slot->values[1] = value;
}

int main(void)
{
	store(1, 5);
	log_number(0x41d5c0ffee00UL);
	store(2, 6);
	return (int)first.values[1];
}
