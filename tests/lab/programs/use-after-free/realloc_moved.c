// A list of pointers grows and moves; a cursor still points into where it was.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow
// function: read_cursor
// only: glibc
#include "lab.h"

struct entry {
	long key;
	const char *text;
};

struct list {
	struct entry **entries;
	size_t count, capacity;
};

APART static void add(struct list *list, struct entry *entry)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 8;
		list->entries = realloc(list->entries,
					list->capacity * sizeof(*list->entries));
	}
	list->entries[list->count++] = entry;
}

APART static long read_cursor(struct entry **cursor)
{
	return cursor[0]->key;
}

int main(void)
{
	struct list list = { 0 };
	static struct entry entries[9];
	char *between;

	for (int i = 0; i < 8; i++)
		add(&list, &entries[i]);
	struct entry **cursor = list.entries;
	between = malloc(100);
	tell_block("free", cursor, 8 * sizeof(*cursor));
	add(&list, &entries[8]);
	return (int)read_cursor(hidden(cursor)) + between[0];
}
