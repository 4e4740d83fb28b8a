// A line that is longer than its buffer overwrites the return address.
//
// must: return-corrupted
// may: security noncanonical memory.read memory.exec wild-jump invalid-pointer
// never: null use-after-free heap.overflow stack-overflow memory.write stack-smash
// function: read_line
// build: -g -O1 -fno-stack-protector
#include "lab.h"

APART static int read_line(const char *line)
{
	char buffer[24];
	char *to = buffer;

	while ((*to++ = *line++))
		;
	return atoi(hidden(buffer));
}

int main(void)
{
	return read_line(hidden("GET /a/path/that/is/much/longer/than/anybody/thought"));
}
