// A heap of many blocks, some of them free, and a pointer read from one of those.
//
// Built with -g -O0; argument: how many blocks. Sizes are 16 to 400 bytes, 208 on
// average, so that five million of them take a gibibyte.

#include <stdint.h>
#include <stdlib.h>

struct node {
	struct node *next;
	uint64_t number;
};

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 5000000;
	struct node **table = malloc((size_t)count * sizeof(*table));
	struct node *last = NULL;
	uint64_t random = 88172645463325252;

	for (long i = 0; i < count; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		struct node *one = malloc(16 + random % 385);
		one->next = last;
		one->number = random;
		last = table[i] = one;
	}
	struct node *stale = malloc(sizeof(*stale));

	stale->next = last;
	for (long i = 0; i < count; i += 7)
		free(table[i]);
	free(stale);
	// Its first word is the allocator's now.
	return (int)stale->next->number;
}
