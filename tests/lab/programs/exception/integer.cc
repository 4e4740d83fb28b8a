// An int is thrown.
//
// must: exception.uncaught
// may: abort
// never: memory.* null* heap.* assert
// function: check
// kind: aborted
// build: -g -O2
#include "lab.h"

APART static void check(int status)
{
	if (status)
		throw status;
}

int main()
{
	check(0);
	check((int)hidden_number(7));
	return 0;
}
