// A program that has freed blocks of all sizes and is asked to quit while it works.
//
// must: signal.sent
// never: memory.* null* heap.* use-after-free double-free invalid-free
// kind: healthy
// by: signal SIGQUIT
#include "lab.h"

static void *blocks[4096];

APART static void churn(unsigned round)
{
	for (unsigned i = 0; i < 4096; i++) {
		unsigned place = (i * 2654435761u + round) % 4096;
		if (blocks[place]) {
			free(blocks[place]);
			blocks[place] = NULL;
		} else {
			blocks[place] = malloc((i * 37 + round * 11) % 6000);
		}
	}
}

int main(void)
{
	for (unsigned round = 0; round < 8; round++)
		churn(round);
	tell_ready();
	for (unsigned round = 8;; round++)
		churn(round);
}
