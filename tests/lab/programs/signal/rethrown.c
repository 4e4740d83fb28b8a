// A handler of SIGSEGV writes a line and sends the signal again: the fault is in the
// frame that it interrupted.
//
// must: null memory.write
// may: null.write memory.unmapped signal.raised signal.sent stop signal.handler
// never: use-after-free heap.* abort
// function: set_level
#include <signal.h>
#include "lab.h"

struct mixer {
	int levels[64];
};

static void on_fault(int number, siginfo_t *info, void *context)
{
	static const char line[] = "fault, sorry\n";

	if (write(2, line, sizeof(line) - 1) < 0)
		_exit(2);
	signal(number, SIG_DFL);
	raise(number);
}

APART static void set_level(struct mixer *mixer, int channel, int level)
{
	mixer->levels[channel] = level;
}

int main(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	set_level(hidden(NULL), 7, 1);
	return 0;
}
