// A table of handlers holds the address of a variable instead of that of a function.
//
// must: memory.exec security.nx
// may: wild-jump security memory.protection
// never: null return-corrupted memory.unmapped
// function: dispatch
#include "lab.h"

static long counter = 0x9090909090909090;

static void tick(void) { counter++; }

static void *table[2] = { tick, &counter };

APART static void dispatch(int which)
{
	((void (*)(void))table[which])();
}

int main(void)
{
	dispatch(0);
	dispatch((int)hidden_number(1));
	return 0;
}
