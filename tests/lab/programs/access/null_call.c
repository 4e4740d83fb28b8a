// One of a table's handlers was never set.
//
// must: null|null.exec memory.exec
// may: null* wild-jump security memory.unmapped
// never: return-corrupted security.nx
// function: dispatch
#include "lab.h"

typedef int (*handler)(int);

static int add(int value) { return value + 1; }
static int negate(int value) { return -value; }

static handler handlers[4] = { add, negate };

APART static int dispatch(int kind, int value)
{
	return handlers[kind](value);
}

int main(void)
{
	int value = 0;

	for (int i = 0; i < 4; i++)
		value = dispatch(i, value);
	return value;
}
