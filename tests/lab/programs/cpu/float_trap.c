// A program that has floating-point exceptions trap divides by zero.
//
// must: divide.float|float|fpe.float|divide
// never: memory.* null*
// function: ratio
#define _GNU_SOURCE
#include <fenv.h>
#include "lab.h"

APART static double ratio(double part, double whole)
{
	return part / whole;
}

int main(void)
{
	volatile double zero = 0;

	feenableexcept(FE_DIVBYZERO | FE_INVALID);
	return (int)(ratio(1, 4) + ratio(1, zero));
}
