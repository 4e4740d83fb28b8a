// A search in a list ends at its end, and nobody asks whether it found something.
//
// must: null memory.read
// may: null.read memory.unmapped
// never: invalid-pointer use-after-free
// function: price_of
#include "lab.h"

struct item {
	struct item *next;
	const char *name;
	int price;
};

static struct item *find(struct item *list, const char *name)
{
	while (list && strcmp(list->name, name))
		list = list->next;
	return list;
}

APART static int price_of(struct item *list, const char *name)
{
	struct item *found = find(list, name);

	return found->price;
}

int main(void)
{
	struct item *list = NULL;

	for (int i = 0; i < 10; i++) {
		struct item *item = malloc(sizeof(*item));
		*item = (struct item){ list, i % 2 ? "nail" : "screw", i };
		list = item;
	}
	return price_of(list, "hammer");
}
