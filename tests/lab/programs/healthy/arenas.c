// Threads that ended and left their arenas; blocks freed by others than who made them.
//
// never: memory.* null* heap.* use-after-free double-free invalid-free deadlock
// kind: healthy
// by: gcore
// build: -g -O1
#include <pthread.h>
#include "lab.h"

static void *mailbox[8][128];

static void *make(void *argument)
{
	long number = (long)(uintptr_t)argument;

	for (unsigned i = 0; i < 128; i++)
		mailbox[number][i] = malloc(24 + (i * 53 + (unsigned)number * 17) % 2000);
	for (unsigned i = 0; i < 128; i += 3)
		free(mailbox[(number + 1) % 8][i] ? NULL : malloc(10));
	return NULL;
}

int main(void)
{
	pthread_t threads[8];

	for (int round = 0; round < 3; round++) {
		for (long i = 0; i < 8; i++)
			pthread_create(&threads[i], NULL, make, (void *)i);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < 8; i++)
			for (int j = 0; j < 128; j++)
				if ((i + j + round) % 3)
					free(mailbox[i][j]);
	}
	tell_ready();
	pause();
	return 0;
}
