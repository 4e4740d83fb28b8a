// A number where a pointer is expected, through an untyped parameter.
//
// must: memory.read
// may: memory.unmapped invalid-pointer
// never: null use-after-free double-free heap.* noncanonical bit-flip
// function: visit
#include <pthread.h>
#include "lab.h"

struct task {
	long number;
	const char *name;
};

APART static void *visit(void *argument)
{
	struct task *task = argument;

	return (void *)task->name;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, visit, (void *)(uintptr_t)hidden_number(1722));
	pthread_join(thread, NULL);
	return 0;
}
