// A sorted table is searched with a null key by bsearch's call-back.
//
// must: memory.read null
// may: null.read memory.unmapped call-contract
// never: use-after-free heap.* noncanonical memory.write
// function: compare
#include "lab.h"

struct word {
	const char *text;
	int count;
};

static struct word words[] = { { "a", 1 }, { "b", 2 }, { NULL, 3 }, { "d", 4 }, { "e", 5 } };

APART static int compare(const void *key, const void *element)
{
	const char *a = key, *b = ((const struct word *)element)->text;

	while (*a && *a == *b)
		a++, b++;
	return *a - *b;
}

int main(void)
{
	return bsearch("b", words, 5, sizeof(words[0]), compare) != NULL;
}
