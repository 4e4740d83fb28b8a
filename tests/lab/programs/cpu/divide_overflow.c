// The least of all integers divided by -1.
//
// must: divide
// never: memory.* null*
// function: scale
#include <limits.h>
#include "lab.h"

APART static int scale(int value, int by)
{
	return value / by;
}

int main(void)
{
	return scale(7, -1) + scale((int)hidden_number(INT_MIN), (int)hidden_number(-1));
}
