// A handler for full stacks, on its own stack, uses what is not there.
//
// must: memory.write
// may: null* memory.unmapped stack-overflow recursion signal.* limit* call-contract
//     signal.handler
//     handler* crash-in-handler
// never: use-after-free heap.* double-free abort
// function: on_full
#include <signal.h>
#include "lab.h"

struct report {
	long depth;
	void *where;
};

static struct report *report;

static void on_full(int number, siginfo_t *info, void *context)
{
	report->where = info->si_addr;
	_exit(3);
}

APART static long dig(long depth)
{
	volatile char pad[200];

	pad[0] = (char)depth;
	return dig(depth + 1) + pad[0];
}

int main(void)
{
	stack_t stack = { malloc(65536), 0, 65536 };
	struct sigaction action = {
		.sa_sigaction = on_full,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	return (int)dig(0);
}
