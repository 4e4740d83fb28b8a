// A jump to a function that has returned, under fortify.
//
// must: fortify|security
// may: security libc-check fortify
// never: null* memory.* heap.* stack-smash assert double-free
// function: fail
// build: -g -O2 -D_FORTIFY_SOURCE=2
#include <setjmp.h>
#include "lab.h"

static jmp_buf recovery;

APART static int prepare(int depth)
{
	volatile char pad[256];

	pad[depth] = 1;
	if (depth > 0)
		return prepare(depth - 1) + pad[depth];
	return setjmp(recovery);
}

APART static void fail(int code)
{
	longjmp(recovery, code);
}

int main(void)
{
	if (prepare(3) < 10)
		fail(20);
	return 0;
}
