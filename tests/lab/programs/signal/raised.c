// A program sends itself SIGSEGV to leave a core.
//
// must: segv
// may: signal.sent signal.raised stop
// never: memory.* null* heap.* abort use-after-free
// function: leave_core
// kind: aborted
#include <signal.h>
#include "lab.h"

APART static void leave_core(void)
{
	raise(SIGSEGV);
}

int main(void)
{
	leave_core();
	return 0;
}
