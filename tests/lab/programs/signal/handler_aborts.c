// A handler of SIGSEGV aborts, as many crash reporters do.
//
// must: memory.read abort
// may: memory.unmapped noncanonical invalid-pointer signal.handler
// never: use-after-free heap.* null signal.sent assert
// function: length_of
// build: -g -O1
#include <signal.h>
#include "lab.h"

static void on_fault(int number)
{
	abort();
}

APART static size_t length_of(const char *const *lines)
{
	size_t length = 0;

	while (lines[0][length])
		length++;
	return length;
}

int main(void)
{
	const char *lines[] = { (const char *)0x7123456000 };

	signal(SIGSEGV, on_fault);
	return (int)length_of(hidden(lines));
}
