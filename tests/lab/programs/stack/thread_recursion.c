// One of four threads with small stacks walks a directory tree that is too deep.
//
// must: stack-overflow recursion
// may: memory.write memory.read memory.protection limit* memory.unmapped
// never: null use-after-free wild-jump heap.overflow
// function: descend
#include <pthread.h>
#include "lab.h"

APART static int descend(int depth, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d", name, depth);
	return depth ? descend(depth - 1, path + strlen(path) % 8) + 1 : 0;
}

static void *walk(void *depth)
{
	static pthread_barrier_t *barrier;

	usleep(1000 * (useconds_t)(uintptr_t)depth / 10);
	return (void *)(uintptr_t)descend((int)(uintptr_t)depth, ".");
}

int main(void)
{
	static const long depths[] = { 10, 20, 30, 2000 };
	pthread_t threads[4];
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 << 10);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], &small, walk, (void *)depths[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
