// A checked printf finds %n in a format that could have been changed.
//
// must: fortify|security
// may: security libc-check fortify
// never: null* memory.* heap.* stack-smash assert double-free
// function: count_characters
// build: -g -O2 -D_FORTIFY_SOURCE=2
#include "lab.h"

APART static int count_characters(const char *format, const char *text)
{
	int count = 0;

	printf(format, text, &count);
	return count;
}

int main(void)
{
	char format[16];

	strcpy(hidden(format), "%s%n\n");
	return count_characters(hidden(format), "hello");
}
