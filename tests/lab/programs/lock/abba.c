// Two threads take two locks in different order; a watchdog gives up.
//
// must: deadlock abort
// may: hang
// never: memory.* null* heap.* assert
// function: watch
// kind: aborted
#include <pthread.h>
#include "lab.h"

struct account {
	pthread_mutex_t lock;
	long balance;
};

static struct account first = { PTHREAD_MUTEX_INITIALIZER, 10 };
static struct account second = { PTHREAD_MUTEX_INITIALIZER, 20 };
static pthread_barrier_t both;

APART static void transfer(struct account *from, struct account *to)
{
	pthread_mutex_lock(&from->lock);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&to->lock);
	from->balance--;
	to->balance++;
	pthread_mutex_unlock(&to->lock);
	pthread_mutex_unlock(&from->lock);
}

static void *one_way(void *unused)
{
	transfer(&first, &second);
	return NULL;
}

static void *other_way(void *unused)
{
	transfer(&second, &first);
	return NULL;
}

APART static void watch(const long *done)
{
	usleep(100000);
	if (!*done)
		abort();
}

int main(void)
{
	static long done;
	pthread_t threads[2];

	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&threads[0], NULL, one_way, NULL);
	pthread_create(&threads[1], NULL, other_way, NULL);
	watch(hidden(&done));
	return 0;
}
