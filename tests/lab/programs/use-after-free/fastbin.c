// A tree's node is used after its branch was pruned; the thread cache was full by then.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow
// function: depth_of
// only: glibc junk
// build: -g -O1
#include "lab.h"

struct node {
	struct node *left, *right;
	long key;
};

static struct node *nodes[64];

APART static struct node *make(int from, int to)
{
	if (from >= to)
		return NULL;
	int middle = (from + to) / 2;
	struct node *node = nodes[middle] = malloc(sizeof(*node));
	node->left = make(from, middle);
	node->right = make(middle + 1, to);
	node->key = middle;
	return node;
}

APART static void prune(struct node *node)
{
	if (!node)
		return;
	prune(node->left);
	prune(node->right);
	free(node);
}

APART static int depth_of(const struct node *node)
{
	int depth = 0;

	while (node) {
		node = node->left;
		depth++;
	}
	return depth;
}

int main(void)
{
	struct node *root = make(0, 64);
	struct node *kept = nodes[16];

	prune(root->left);
	tell_block("free", kept, sizeof(*kept));
	return depth_of(hidden(kept));
}
