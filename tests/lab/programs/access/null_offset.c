// A member far behind the start of a large structure, whose pointer is null.
//
// must: null memory.read
// may: null.read memory.unmapped
// never: invalid-pointer bit-flip
// function: last_sample
// build: -g -O1
#include "lab.h"

struct recording {
	double samples[40000];
	long last;
};

APART static long last_sample(const struct recording *recording)
{
	return recording->last;
}

int main(int argc, char **argv)
{
	struct recording *recordings[4] = { calloc(1, sizeof(struct recording)) };
	long sum = 0;

	for (int i = 0; i < 4; i++)
		sum += last_sample(recordings[i]);
	return (int)sum;
}
