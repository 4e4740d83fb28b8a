// Coroutines on stacks of their own, which are no thread's.
//
// must: signal.sent
// never: stack-overflow return-corrupted security* memory.* null* heap.*
// kind: healthy
// by: signal SIGQUIT
#include <ucontext.h>
#include "lab.h"

static ucontext_t home, coroutines[4];
static volatile unsigned long turns;

static void run(int number)
{
	for (;;) {
		turns++;
		if (turns == 100)
			tell_ready();
		if (turns > 100)
			for (;;)
				turns++;
		swapcontext(&coroutines[number], &coroutines[(number + 1) % 4]);
	}
}

int main(void)
{
	for (int i = 0; i < 4; i++) {
		getcontext(&coroutines[i]);
		coroutines[i].uc_stack.ss_sp = malloc(65536);
		coroutines[i].uc_stack.ss_size = 65536;
		coroutines[i].uc_link = &home;
		makecontext(&coroutines[i], (void (*)(void))run, 1, i);
	}
	swapcontext(&home, &coroutines[0]);
	return 0;
}
