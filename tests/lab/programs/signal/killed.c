// Somebody sends SIGSEGV to a server that waits for work.
//
// must: signal.sent
// never: memory.* null* heap.* abort use-after-free stack-overflow
// kind: aborted
// by: signal SIGSEGV
#include <poll.h>
#include <pthread.h>
#include "lab.h"

static void *work(void *unused)
{
	pause();
	return NULL;
}

int main(void)
{
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	usleep(10000);
	tell_ready();
	return poll(NULL, 0, 20000);
}
