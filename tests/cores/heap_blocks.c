// Allocates and frees in many ways, prints what is then live and what was freed, aborts.
//
//     heap_blocks MODE SEED [COUNT]
//
// Modes: `churn`, `aligned`, `resized`, `large`, `trimmed`, `foreign` (memory from sbrk
// between the allocator's own), `threads` (each then waits), `busy` (they go on while
// the process aborts), `forked` (a child of a threaded process aborts), `lists` (few
// blocks, freed in a known order). A line is `live` or `free`, address, size asked for,
// usable size.
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 1 << 14, THREADS = 6 };

struct slot {
	void *block;
	size_t size, usable;
	int live;
};

struct worker {
	unsigned seed;
	unsigned slots;
	struct slot slot[SLOTS];
};

static struct worker workers[THREADS + 1];
static pthread_barrier_t ready;
static const char *mode;
static char output[1 << 16];

static int is(const char *name)
{
	return strcmp(mode, name) == 0;
}

static unsigned draw(struct worker *worker)
{
	// xorshift, so that every libc draws the same
	unsigned x = worker->seed;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return worker->seed = x;
}

static size_t draw_size(struct worker *worker)
{
	unsigned kind = draw(worker) % 100;

	if (is("large") && kind < 10)
		return 100000 + draw(worker) % 900000;
	if (kind < 70)
		return draw(worker) % 200;
	if (kind < 95)
		return draw(worker) % 2000;
	return draw(worker) % 40000;
}

static void *allocate(struct worker *worker, size_t size)
{
	unsigned kind = draw(worker) % 8;

	if (is("aligned") && kind < 4)
		return memalign((size_t)16 << draw(worker) % 10, size);
	if (kind == 7)
		return calloc(1, size);
	return malloc(size);
}

static void fill(struct slot *slot)
{
	slot->usable = malloc_usable_size(slot->block);
	// Bytes that look like sizes and flags, as far as the block goes.
	for (size_t i = 0; i < slot->usable / sizeof(long); i++)
		((unsigned long *)slot->block)[i] = i % 3 ? 0x41414141 : 0x21 + i;
	slot->live = 1;
}

static void step(struct worker *worker)
{
	struct slot *slot = &worker->slot[draw(worker) % worker->slots];

	if (slot->live && is("resized") && draw(worker) % 2) {
		size_t size = 1 + draw_size(worker) * (draw(worker) % 10 ? 1 : 20);
		slot->block = realloc(slot->block, size);
		slot->size = size;
		fill(slot);
	} else if (slot->live) {
		free(slot->block);
		slot->live = 0;
	} else {
		slot->size = draw_size(worker);
		slot->block = allocate(worker, slot->size);
		fill(slot);
	}
}

static void churn(struct worker *worker, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		step(worker);
		if (is("foreign") && i % 1000 == 500) {
			char *other = sbrk(5000);
			memset(other, 0x5a, 5000);
		}
	}
	if (is("trimmed")) {
		for (unsigned i = worker->slots / 2; i < worker->slots; i++) {
			free(worker->slot[i].live ? worker->slot[i].block : NULL);
			worker->slot[i].live = 0;
		}
		malloc_trim(0);
	}
}

static void *run(void *argument)
{
	churn(argument, 20000);
	pthread_barrier_wait(&ready);
	while (is("busy"))
		step(argument);
	pause();
	return NULL;
}

static void start_threads(void)
{
	pthread_barrier_init(&ready, NULL, THREADS + 1);
	for (int i = 1; i <= THREADS; i++) {
		pthread_t thread;
		workers[i].seed = workers[0].seed + 7919 * i;
		workers[i].slots = workers[0].slots;
		pthread_create(&thread, NULL, run, &workers[i]);
	}
	pthread_barrier_wait(&ready);
}

static void show(void)
{
	for (int i = 0; i <= THREADS; i++) {
		for (unsigned j = 0; j < workers[i].slots; j++) {
			struct slot *slot = &workers[i].slot[j];
			if (slot->block != NULL)
				printf("%s %p %zu %zu\n", slot->live ? "live" : "free",
				       slot->block, slot->size, slot->usable);
		}
	}
	fflush(stdout);
}

static void lists(struct worker *worker)
{
	// In order of their freeing: for each size twelve blocks with others between.
	static const size_t sizes[] = {2000, 1000, 24, 40, 100};
	unsigned at = 0;

	for (int s = 0; s < 5; s++) {
		unsigned first = at;
		for (int i = 0; i < 12; i++, at++) {
			struct slot *slot = &worker->slot[at];
			slot->block = malloc(slot->size = sizes[s]);
			fill(slot);
			worker->slot[at + 100].size = 200;
			worker->slot[at + 100].block = malloc(200);
			fill(&worker->slot[at + 100]);
		}
		for (unsigned i = first; i < at; i++) {
			free(worker->slot[i].block);
			worker->slot[i].live = 0;
		}
	}
}

int main(int count, char **arguments)
{
	struct worker *worker = &workers[0];

	if (count < 3)
		return 2;
	mode = arguments[1];
	worker->seed = (unsigned)atoi(arguments[2]) * 2654435761u + 1;
	worker->slots = count > 3 ? (unsigned)atoi(arguments[3]) : 3000;
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (is("lists"))
		lists(worker);
	else
		churn(worker, 20000);
	if (is("threads") || is("busy") || is("forked"))
		start_threads();
	if (is("forked")) {
		pid_t child = fork();
		if (child != 0) {
			waitpid(child, NULL, 0);
			_exit(0);
		}
		churn(worker, 1000);
	}
	if (is("busy"))
		usleep(10000 + worker->seed % 5000);
	else
		show();
	abort();
}
