// A mapping that may be written and executed, and a crash that has nothing to do with it.
//
// must: null memory.read
// may: null.read memory.unmapped security.wx security
// never: security.nx wild-jump use-after-free heap.*
// function: next_state
#include <sys/mman.h>
#include "lab.h"

struct state {
	struct state *next[4];
};

APART static struct state *next_state(struct state *state, int input)
{
	return state->next[input];
}

int main(void)
{
	struct state *state = calloc(1, sizeof(*state));
	unsigned char *code = mmap(NULL, 65536, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	code[0] = 0xc3;
	((void (*)(void))code)();
	state = next_state(state, 1);
	return next_state(hidden(state), 2) != NULL;
}
