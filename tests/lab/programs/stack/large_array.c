// An array of sixteen megabytes is a local variable.
//
// must: stack-overflow
// may: memory.write memory.read memory.unmapped limit* invalid-pointer memory.protection
// never: recursion null use-after-free
// function: blur
#include "lab.h"

APART static int blur(int size)
{
	int pixels[4 << 20];

	for (int i = 0; i < size; i++)
		pixels[i] = i;
	return pixels[size / 2];
}

int main(void)
{
	return blur((int)hidden_number(1000));
}
