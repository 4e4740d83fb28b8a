// An instruction that only a kernel may execute.
//
// must: privileged
// never: memory.* null* noncanonical illegal-instruction
// function: wait_for_interrupt
#include "lab.h"

APART static void wait_for_interrupt(void)
{
	__asm__ volatile("hlt");
}

int main(void)
{
	wait_for_interrupt();
	return 0;
}
