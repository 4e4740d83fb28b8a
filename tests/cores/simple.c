// The announcement's program, written out: a use after free of a pointer.
//
// `r` is freed while it holds a pointer; the allocator hands the same 8 bytes out
// again, a string lands in them, and the stale pointer is followed. Built at -O0:
// an optimiser may drop the string that is copied into memory about to be freed.

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char buffer[64];

static void program(void)
{
	void **r;
	char *poop;

	r = malloc(sizeof(void *));
	*r = buffer;
	free(r);
	poop = malloc(8);
	strcpy(poop, "AAAAAA");
	free(poop);
	*(char *)*r = '0';
}

static void *thread_fn(void *argument)
{
	program();
	return argument;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_fn, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}
