// Two threads allocate and free, one after the other; then the truth of every block is printed, a line each
// (address, size asked for, 1 if it was freed), and the program crashes.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 2000, LINE = 48 };

struct block {
	char *address;
	size_t size;
	int freed;
};

static struct block blocks[2][BLOCKS];
static pthread_barrier_t barrier;
static const size_t sizes[] = {1,    8,    9,    16,    24,    48,    100,    128,   200,
			       1000, 3000, 4096, 9000, 14336, 16384, 40000, 100000, 300000};

static void fill(struct block *list, unsigned seed)
{
	for (int i = 0; i < BLOCKS; i++) {
		seed = seed * 1103515245 + 12345;
		size_t size = sizes[(seed >> 16) % (sizeof(sizes) / sizeof(*sizes))];
		if (size > 9000 && i % 8)
			size = 24;
		list[i] = (struct block){malloc(size), size, 0};
		memset(list[i].address, 'A' + i % 26, size);
	}
	for (int i = 0; i < BLOCKS; i++) {
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % 3 == 0) {
			free(list[i].address);
			list[i].freed = 1;
		}
	}
}

static void *work(void *unused)
{
	pthread_barrier_wait(&barrier);
	fill(blocks[1], 77);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return unused;
}

int main(void)
{
	static char text[2 * BLOCKS * LINE];
	size_t size = 0;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, work, NULL);
	fill(blocks[0], 5);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < BLOCKS; i++)
			size += (size_t)snprintf(text + size, LINE, "%p %zu %d\n",
						 (void *)blocks[k][i].address,
						 blocks[k][i].size, blocks[k][i].freed);
	if (write(STDOUT_FILENO, text, size) != (ssize_t)size)
		return 1;
	*(volatile int *)8 = 1;
	return 0;
}
