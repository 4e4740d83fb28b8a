// A watchdog gives up on a worker that holds a lock and computes, while two others wait
// for it: slow, but no deadlock.
//
// must: abort
// never: deadlock memory.* null* heap.* assert
// function: watch
// kind: aborted
// build: -g -O1
#include <pthread.h>
#include "lab.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile long done, spins;

static void *compute(void *unused)
{
	pthread_mutex_lock(&lock);
	for (;;)
		spins++;
}

static void *wait_for_it(void *unused)
{
	usleep(10000);
	pthread_mutex_lock(&lock);
	done++;
	pthread_mutex_unlock(&lock);
	return NULL;
}

APART static void watch(void)
{
	usleep(60000);
	if (!done)
		abort();
}

int main(void)
{
	pthread_t threads[3];

	pthread_create(&threads[0], NULL, compute, NULL);
	pthread_create(&threads[1], NULL, wait_for_it, NULL);
	pthread_create(&threads[2], NULL, wait_for_it, NULL);
	watch();
	return 0;
}
