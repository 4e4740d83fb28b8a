// Breaks the heap in one known way, prints the block at fault, aborts.
//
//     heap_damage WAY
//
// A line is `culprit` and the address of the block that was written past its end, or
// written to after it was freed, or freed twice; 0 where no block is at fault.
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char output[1 << 12];
static char *block[64];

static void fill_heap(void)
{
	for (int i = 0; i < 64; i++) {
		block[i] = malloc(i % 2 ? 40 : 1500);
		memset(block[i], 'a' + i % 26, i % 2 ? 40 : 1500);
	}
}

static void *overflow(void)
{
	strcpy(block[21] + 30, "this is much too long for it");
	return block[21];
}

static void *overflow_by_one(void)
{
	// Into the lowest byte of the size behind a block of exactly 40 bytes.
	block[21][40] = 0x7f;
	return block[21];
}

static void *zero_behind(void)
{
	// The size behind it is 0x5f1: the flag goes.
	block[21][40] = 0;
	return block[21];
}

static void *small_size(void)
{
	// A size that is one, and leads into the middle of the block.
	*(uint64_t *)(block[21] + 40) = 0x41;
	return block[21];
}

static void *into_top(void)
{
	char *last = malloc(40);

	memset(last, 'B', 64);
	return last;
}

static void *link_of_freed(void)
{
	free(block[11]);
	free(block[21]);
	*(uint64_t *)block[21] = 0x4242424242424242;
	return block[21];
}

static void *key_of_freed(void)
{
	free(block[11]);
	free(block[21]);
	free(block[31]);
	*(uint64_t *)(block[21] + 8) = 7;
	return block[21];
}

static void *twice(void)
{
	free(block[11]);
	free(block[21]);
	*(uint64_t *)(block[11] + 8) = 0; // the mark that would have told
	free(block[11]);
	return block[11];
}

static void *bin_link_of_freed(void)
{
	free(block[20]);
	free(block[30]);
	free(block[40]);
	*(uint64_t *)(block[30] + 8) = 0x4343434343434343;
	return block[30];
}

static void *nothing(void)
{
	free(block[11]);
	free(block[20]);
	memset(block[21], 0, malloc_usable_size(block[21]));
	return NULL;
}

static const struct {
	const char *name;
	void *(*run)(void);
} ways[] = {
	{"overflow", overflow},
	{"overflow-by-one", overflow_by_one},
	{"zero-behind", zero_behind},
	{"small-size", small_size},
	{"into-top", into_top},
	{"link-of-freed", link_of_freed},
	{"key-of-freed", key_of_freed},
	{"twice", twice},
	{"bin-link-of-freed", bin_link_of_freed},
	{"nothing", nothing},
};

int main(int count, char **arguments)
{
	mallopt(M_MXFAST, 0);
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	fill_heap();
	for (size_t i = 0; count > 1 && i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(ways[i].name, arguments[1]) == 0) {
			printf("culprit %p\n", ways[i].run());
			fflush(stdout);
			abort();
		}
	}
	return 2;
}
