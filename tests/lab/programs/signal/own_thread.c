// One thread stops another one of its process with SIGABRT, to have its stack in a core.
//
// must: abort
// may: signal.sent signal.raised hang stop
// never: memory.* null* heap.* use-after-free deadlock assert
// kind: aborted
#include <pthread.h>
#include <signal.h>
#include "lab.h"

static void *compute(void *unused)
{
	volatile unsigned long sum = 0;

	for (;;)
		sum += 3;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, compute, NULL);
	usleep(20000);
	pthread_kill(thread, SIGABRT);
	pause();
	return 0;
}
