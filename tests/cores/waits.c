// Threads that wait for mutexes in the way that the argument names, until a third aborts.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *crosswise(void *unused)
{
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&first);
	return unused;
}

static void *hold(void *unused)
{
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&both);
	for (;;)
		pause();
	return unused;
}

static void *give_up(void *unused)
{
	sleep(1);
	abort();
	return unused;
}

int main(int count, char **arguments)
{
	const char *way = count > 1 ? arguments[1] : "";
	pthread_t thread;
	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&thread, NULL, give_up, NULL);
	if (!strcmp(way, "self")) {
		pthread_mutex_lock(&first);
		pthread_mutex_lock(&first);
	}
	pthread_create(&thread, NULL, !strcmp(way, "cycle") ? crosswise : hold, NULL);
	pthread_mutex_lock(&first);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&second);
	return 0;
}
