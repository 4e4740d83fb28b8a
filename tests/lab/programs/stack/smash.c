// A name is copied into a buffer that is too short for it, under a stack protector.
//
// must: stack-smash
// may: security
// never: null use-after-free double-free heap.* return-corrupted assert
// function: greet
// build: -g -O1 -fstack-protector-all -U_FORTIFY_SOURCE
#include "lab.h"

APART static int greet(const char *name)
{
	char buffer[16];
	char *to = buffer;

	while ((*to++ = *name++))
		;
	return (int)strlen(hidden(buffer));
}

int main(void)
{
	return greet(hidden("Wolfeschlegelsteinhausenbergerdorff"));
}
