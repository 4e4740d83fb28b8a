// Frees an item twice, which others still hold; the C library aborts.

#include <stdio.h>
#include <stdlib.h>

struct item {
	int number;
	char *text;
};

struct holder {
	long pad;
	struct item *item;
};

struct item *cache;
struct holder *holder;

int main(void)
{
	struct item *item = malloc(sizeof(*item));

	cache = item;
	holder = malloc(sizeof(*holder));
	holder->item = item;
	free(item);
	printf("%p\n", (void *)cache);
	free(item);
	return 0;
}
