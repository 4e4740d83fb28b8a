// A handler of SIGSEGV sends the signal again; it arrives when the handler returns, as
// if somebody had sent it, at the instruction that failed.
//
// must: segv
// may: null null.write memory.write memory.unmapped signal.raised signal.sent stop
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
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	set_level(hidden(NULL), 7, 1);
	return 0;
}
