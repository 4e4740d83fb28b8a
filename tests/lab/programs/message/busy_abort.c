// A program gives up while its threads are in the middle of malloc and free, all of them
// in one arena.
//
// must: abort
// never: memory.* null* heap.* use-after-free double-free invalid-free deadlock
// function: stop
// kind: aborted
// environment: MALLOC_ARENA_MAX=1
#include <pthread.h>
#include "lab.h"

static void *shared[512];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *churn(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;

	for (;;) {
		seed = seed * 1103515245 + 12345;
		unsigned place = seed >> 16 & 511;
		void *block = malloc(1040 + (seed >> 8) % 9000);
		pthread_mutex_lock(&lock);
		void *old = shared[place];
		shared[place] = block;
		pthread_mutex_unlock(&lock);
		free(old);
	}
}

APART static void stop(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

int main(void)
{
	pthread_t threads[6];

	for (uintptr_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, churn, (void *)i);
	usleep(30000);
	stop("the disk is full");
	return 0;
}
