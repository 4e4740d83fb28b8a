// Null pointers from a local variable, from an object and from a global one.
//
//     null_pointers local | member | global

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
	int count;
	struct list *other;
	struct list *next;
};

struct list *volatile nowhere;
struct list *volatile first;

__attribute__((noinline)) static int of_local(struct list *pointer)
{
	return pointer->count + 1;
}

__attribute__((noinline)) static int of_member(struct list *list)
{
	int count = list->next->count;

	printf("%d %p\n", count, (void *)list);
	return count;
}

__attribute__((noinline)) static int of_global(void)
{
	return nowhere->count + 1;
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "local";

	first = calloc(1, sizeof(*first));
	if (!strcmp(way, "member"))
		return of_member(first);
	if (!strcmp(way, "global"))
		return of_global();
	return of_local(nowhere);
}
