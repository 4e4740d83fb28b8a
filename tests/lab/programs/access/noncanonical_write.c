// A pointer with a tag in its high bits is used without taking that off.
//
// must: memory.write noncanonical
// may: invalid-pointer bit-flip
// never: null use-after-free memory.read
// function: count_one
// build: -g -O2
#include "lab.h"

#define LEAF (1UL << 62)

struct node {
	long count;
	uintptr_t child;
};

APART static void count_one(struct node *node)
{
	struct node *child = (struct node *)node->child;

	child->count++;
}

int main(void)
{
	struct node *root = calloc(1, sizeof(*root));
	struct node *leaf = calloc(1, sizeof(*leaf));

	root->child = (uintptr_t)leaf | LEAF;
	count_one(hidden(root));
	return 0;
}
