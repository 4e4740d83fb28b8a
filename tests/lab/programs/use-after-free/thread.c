// The main thread frees a job on a time-out while a worker is about to run it.
//
// must: memory.exec use-after-free
// may: wild-jump security* memory.unmapped noncanonical invalid-pointer
// never: null double-free heap.overflow deadlock
// function: work
// only: glibc junk
// build: -g -O1
#include <pthread.h>
#include "lab.h"

struct job {
	void (*run)(struct job *);
	long input[4];
	long result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct job *pending[16];
static int count, freed;

static void square(struct job *job) { job->result = job->input[0] * job->input[0]; }

APART static void *work(void *unused)
{
	for (;;) {
		pthread_mutex_lock(&lock);
		while (!count)
			pthread_cond_wait(&changed, &lock);
		struct job *job = pending[--count];
		pthread_mutex_unlock(&lock);
		if (job->input[0] == 7) {
			while (!__atomic_load_n(&freed, __ATOMIC_ACQUIRE))
				usleep(100);
		}
		job->run(job);
	}
	return NULL;
}

int main(void)
{
	pthread_t workers[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&workers[i], NULL, work, NULL);
	for (long i = 0; i < 8; i++) {
		struct job *job = calloc(1, sizeof(*job));
		job->run = square;
		job->input[0] = i;
		pthread_mutex_lock(&lock);
		pending[count++] = job;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		if (i == 7) {
			usleep(5000);
			tell_block("free", job, sizeof(*job));
			free(job);
			__atomic_store_n(&freed, 1, __ATOMIC_RELEASE);
		}
		usleep(1000);
	}
	pthread_join(workers[0], NULL);
	return 0;
}
