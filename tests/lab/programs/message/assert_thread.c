// One of eight workers finds its job in a state that it cannot be in.
//
// must: assert abort
// never: memory.* null* heap.* double-free deadlock
// function: finish
// kind: aborted
// build: -g -O2
#include <assert.h>
#include <pthread.h>
#include "lab.h"

enum state { NEW, RUNNING, DONE };

struct job {
	enum state state;
	int number;
	char *result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct job jobs[8];

APART static void finish(struct job *job)
{
	assert(job->state == RUNNING);
	job->result = malloc(100 + (size_t)job->number);
	snprintf(job->result, 100, "job %d", job->number);
	job->state = DONE;
}

static void *work(void *argument)
{
	struct job *job = argument;

	for (int i = 0; i < 1000; i++)
		free(malloc((size_t)i));
	pthread_mutex_lock(&lock);
	if (job->number != 5)
		job->state = RUNNING;
	pthread_mutex_unlock(&lock);
	if (job->number == 5)
		usleep(20000);
	finish(job);
	pause();
	return NULL;
}

int main(void)
{
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		jobs[i].number = i;
		pthread_create(&threads[i], NULL, work, &jobs[i]);
	}
	pause();
	return 0;
}
