// A service manager sends SIGABRT to a process that did not answer.
//
// must: signal.sent
// may: abort stop hang
// never: memory.* null* heap.* assert use-after-free deadlock
// kind: aborted
// by: signal SIGABRT
#include "lab.h"

int main(void)
{
	volatile unsigned long sum = 0;

	for (int i = 0; i < 1000; i++)
		free(malloc((size_t)i));
	tell_ready();
	for (;;)
		sum++;
}
