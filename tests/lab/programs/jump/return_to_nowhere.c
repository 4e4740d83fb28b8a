// Four bytes too many are written to an array of integers: the return address has a
// low half that nobody knows.
//
// must: wild-jump|return-corrupted
// may: memory.exec memory.unmapped security* invalid-pointer wild-jump return-corrupted
//     noncanonical
// never: null use-after-free heap.overflow stack-overflow
// build: -g -O1 -fno-stack-protector
#include "lab.h"

APART static long fill(int count, int value)
{
	volatile int numbers[8];
	volatile int *p = numbers;

	for (int i = 0; i < count; i++)
		p[i] = value + i;
	return numbers[0];
}

int main(void)
{
	return (int)fill((int)hidden_number(16), (int)hidden_number(0x41424344));
}
