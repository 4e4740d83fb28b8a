// A program that is in its signal handler, on an alternate stack.
//
// must: signal.sent
// never: stack-overflow return-corrupted security* memory.* null* heap.*
// kind: healthy
// by: signal SIGQUIT
#include <signal.h>
#include "lab.h"

static volatile unsigned long spins;

static void on_alarm(int number)
{
	tell_ready();
	for (;;)
		spins++;
}

int main(void)
{
	stack_t stack = { malloc(65536), 0, 65536 };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGALRM, &action, NULL);
	raise(SIGALRM);
	return 0;
}
