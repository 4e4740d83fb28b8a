// Two owners of one node free it, one right after the other; the thread cache is full.
//
// must: double-free abort
// never: memory.* null* heap.overflow use-after-free assert
// function: drop
// only: glibc
#include "lab.h"

struct node {
	struct node *next;
	int value;
};

APART static void drop(struct node *node)
{
	free(node);
}

int main(void)
{
	struct node *nodes[10];

	for (int i = 0; i < 10; i++)
		nodes[i] = malloc(sizeof(struct node));
	for (int i = 0; i < 7; i++)
		drop(nodes[i]);
	tell_block("free", nodes[8], sizeof(struct node));
	drop(nodes[8]);
	drop(nodes[8]);
	return 0;
}
