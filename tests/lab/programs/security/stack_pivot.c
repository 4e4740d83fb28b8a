// The stack pointer leads into the heap, as a chain of gadgets would have it.
//
// must: return-corrupted|wild-jump
// may: security* noncanonical memory.exec wild-jump return-corrupted invalid-pointer
//     memory.unmapped memory.read
// never: null use-after-free double-free stack-overflow recursion
#include "lab.h"

APART static void pivot(const unsigned long *chain)
{
	__asm__ volatile("mov %0, %%rsp\n\tret" : : "r"(chain));
}

int main(void)
{
	unsigned long *chain = malloc(4096);

	for (int i = 0; i < 512; i++)
		chain[i] = 0x4242424242424242;
	pivot(chain + 256);
	return 0;
}
