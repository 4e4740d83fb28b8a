// A null pointer, while eight other threads are in the middle of malloc and free: what
// they have half done is no damage.
//
// must: null memory.write
// may: null.write memory.unmapped
// never: heap.* use-after-free double-free invalid-free
// function: publish
// build: -g -O1
#include <pthread.h>
#include "lab.h"

struct board {
	long posts;
	char *last;
};

static struct board *board;

static void *churn(void *argument)
{
	void *kept[128] = { 0 };
	unsigned seed = (unsigned)(uintptr_t)argument;

	for (unsigned long i = 0;; i++) {
		seed = seed * 1103515245 + 12345;
		unsigned place = seed >> 16 & 127;
		free(kept[place]);
		kept[place] = malloc(16 + (seed >> 8) % 5000);
		memset(kept[place], 'k', 16);
	}
}

APART static void publish(const char *text)
{
	board->last = strdup(text);
	board->posts++;
}

int main(void)
{
	pthread_t threads[8];

	for (uintptr_t i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, churn, (void *)i);
	usleep(30000);
	publish("first");
	return 0;
}
