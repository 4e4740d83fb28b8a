// A breakpoint that stayed in the program.
//
// must: trap
// never: memory.* wild-jump null* illegal-instruction
// function: check
// kind: aborted
#include "lab.h"

APART static int check(int value)
{
	if (value > 2)
		__asm__ volatile("int3");
	return value;
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < 5; i++)
		sum += check(i);
	return sum;
}
