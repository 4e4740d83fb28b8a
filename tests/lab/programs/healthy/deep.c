// A deep recursion that has room left.
//
// must: signal.sent
// may: recursion
// never: stack-overflow memory.* null* heap.*
// kind: healthy
// by: signal SIGQUIT
#include "lab.h"

APART static unsigned long descend(int depth)
{
	volatile char pad[64];
	volatile unsigned long spins = 0;

	pad[0] = (char)depth;
	if (depth == 0) {
		tell_ready();
		for (;;)
			spins++;
	}
	return descend(depth - 1) + (unsigned long)pad[0];
}

int main(void)
{
	return (int)descend(5000);
}
