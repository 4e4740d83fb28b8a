// The first thread exits; a later one crashes. /proc/PID then shows no memory map.

#include <pthread.h>
#include <unistd.h>

static void *crash(void *argument)
{
	usleep(50 * 1000); // until the first thread is gone
	*(volatile int *)8 = 1;
	return argument;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, crash, NULL))
		return 1;
	pthread_exit(NULL);
}
