// A loop that runs to and with the size of an array writes into the pointer behind it.
//
// must: memory.write
// may: memory.unmapped noncanonical invalid-pointer bit-flip
// never: null use-after-free heap.* stack-overflow
// function: collect
// build: -g -O0 -fno-stack-protector
#include "lab.h"

struct window {
	int values[6];
	int *target;
};

APART static int collect(const int *samples)
{
	struct window window;
	int result[4] = { 0 };

	window.target = result;
	for (int i = 0; i <= 6; i++)
		window.values[i] = samples[i];
	for (int i = 0; i < 4; i++)
		window.target[i] = window.values[i];
	return result[3];
}

int main(void)
{
	static const int samples[] = { 1, 2, 3, 4, 5, 6, 7 };

	return collect(samples);
}
