// Sixteen threads allocate and free, half of them waiting for locks.
//
// never: memory.* null* heap.* use-after-free double-free deadlock
// kind: healthy
// by: gcore
#include <pthread.h>
#include "lab.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sums[16];

static void *work(void *argument)
{
	long number = (long)(uintptr_t)argument;
	void *kept[64] = { 0 };

	for (unsigned i = 0;; i++) {
		unsigned place = i * 31 % 64;
		free(kept[place]);
		kept[place] = malloc(16 + i * 7 % 3000);
		memset(kept[place], (int)i, 16);
		pthread_mutex_lock(&lock);
		sums[number] += i;
		pthread_mutex_unlock(&lock);
		if (i % 512 == 0)
			usleep(500);
	}
}

int main(void)
{
	pthread_t threads[16];

	for (long i = 0; i < 16; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	usleep(50000);
	tell_ready();
	pause();
	return 0;
}
