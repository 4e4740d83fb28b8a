// A buffer overrun is found long after, in another thread's malloc of another size.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort
// never: memory.* null* double-free use-after-free invalid-free
// function: main
// only: glibc
// environment: MALLOC_ARENA_MAX=1
#include <pthread.h>
#include "lab.h"

static char *blocks[200];

static void *worker(void *unused)
{
	for (size_t i = 0; i < 2000; i++) {
		char *block = malloc(1500 + i % 700 * 8);
		memset(block, 1, 100);
		free(block);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 200; i++)
		blocks[i] = malloc(1100);
	for (int i = 0; i < 200; i += 2)
		free(blocks[i]);
	tell_block("live", blocks[51], 1100);
	memset(hidden(blocks[51]), 'B', 1140);
	pthread_create(&thread, NULL, worker, NULL);
	pthread_join(thread, NULL);
	return 0;
}
