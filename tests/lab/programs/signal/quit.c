// Ctrl-\ at a terminal.
//
// must: signal.sent
// never: memory.* null* heap.* abort
// kind: aborted
// by: signal SIGQUIT
#include "lab.h"

int main(void)
{
	tell_ready();
	sleep(20);
	return 0;
}
