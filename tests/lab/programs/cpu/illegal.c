// Bytes that no x86-64 processor executes, as a wrong build for another one has.
//
// must: illegal-instruction
// never: trap memory.* wild-jump null*
// function: accelerated
#include "lab.h"

APART static int accelerated(int value)
{
	__asm__ volatile(".byte 0x06, 0x90, 0x90");
	return value;
}

int main(void)
{
	return accelerated(1);
}
