// jemalloc notices no double free of a small block: it hands the block out twice, and
// one owner's text is the other's pointer.
//
// must: memory.read
// may: double-free use-after-free noncanonical invalid-pointer stale-pointer
//     type-violation
// never: null heap.overflow invalid-free
// function: last_of
// only: jemalloc junk
#include "lab.h"

struct range {
	long *first, *last;
	long reserved[2];
};

APART static long last_of(const struct range *range)
{
	return range->last[-1];
}

int main(void)
{
	static long numbers[] = { 1, 2, 3 };
	struct range *old = malloc(sizeof(*old));

	free(old);
	free(hidden(old));
	struct range *range = malloc(sizeof(*range));
	*range = (struct range){ numbers, numbers + 3 };
	char *text = malloc(sizeof(*range));
	strcpy(text, "text that is thirty characters");
	tell_block("live", range, sizeof(*range));
	return (int)last_of(range) + text[0];
}
