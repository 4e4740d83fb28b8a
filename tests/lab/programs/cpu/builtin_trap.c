// The compiler's own trap where code cannot go on.
//
// must: trap
// may: illegal-instruction
// never: memory.* wild-jump null*
// function: day_name
// build: -g -O2
// kind: aborted
#include "lab.h"

APART static const char *day_name(int day)
{
	switch (day) {
	case 0: return "Monday";
	case 1: return "Tuesday";
	case 2: return "Wednesday";
	}
	__builtin_trap();
}

int main(void)
{
	for (int day = 0; day < 7; day++)
		puts(day_name((int)hidden_number(day)));
	return 0;
}
