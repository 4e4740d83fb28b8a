// A checked sprintf into a local buffer that is too short.
//
// must: fortify
// may: security
// never: null* memory.* heap.* stack-smash assert double-free
// function: label
// build: -g -O2 -D_FORTIFY_SOURCE=2
#include "lab.h"

APART static size_t label(const char *what, long number)
{
	char text[24];

	sprintf(text, "%s number %ld", what, number);
	return strlen(hidden(text));
}

int main(void)
{
	return (int)(label("box", 1) + label(hidden("container"), 123456789012));
}
