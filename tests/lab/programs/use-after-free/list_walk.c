// A list is freed by a walk that reads each node's link after the node is gone.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow
// function: drop_all
// only: glibc junk
#include "lab.h"

struct node {
	struct node *next;
	char name[24];
	struct node *children;
};

APART static int drop_all(struct node *list)
{
	int dropped = 0;

	for (struct node *node = list; node; node = node->next) {
		dropped += node->name[0];
		free(node);
	}
	return dropped;
}

int main(void)
{
	struct node *list = NULL;

	for (int i = 0; i < 10; i++) {
		struct node *node = calloc(1, sizeof(*node));
		node->next = list;
		snprintf(node->name, sizeof(node->name), "node %d", i);
		list = node;
	}
	tell_block("free", list, sizeof(*list));
	return drop_all(list);
}
