// A service that was started with a small limit on its stack sorts a large list.
//
// must: stack-overflow recursion
// may: memory.write memory.read limit* memory.unmapped memory.protection
// never: null use-after-free
// function: sort
// shell: ulimit -s 256
#include "lab.h"

struct entry {
	struct entry *next;
	int key;
};

APART static struct entry *insert(struct entry *entry, struct entry *into)
{
	if (!into || into->key >= entry->key) {
		entry->next = into;
		return entry;
	}
	into->next = insert(entry, into->next);
	return into;
}

APART static struct entry *sort(struct entry *list)
{
	char scratch[64];

	if (!list)
		return NULL;
	snprintf(scratch, sizeof(scratch), "%d", list->key);
	return insert(list, sort(list->next));
}

int main(void)
{
	struct entry *list = NULL;

	for (int i = 0; i < 5000; i++) {
		struct entry *entry = malloc(sizeof(*entry));
		*entry = (struct entry){ list, (i * 7919) % 5000 };
		list = entry;
	}
	return sort(list)->key;
}
