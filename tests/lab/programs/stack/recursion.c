// A tree whose last leaf leads back to its root is counted.
//
// must: stack-overflow recursion
// may: memory.write limit* memory.unmapped memory.protection
// never: null use-after-free wild-jump
// function: count
#include "lab.h"

struct tree {
	struct tree *left, *right;
	int value;
};

APART static long count(struct tree *tree)
{
	if (!tree)
		return 0;
	return tree->value + count(tree->left) + count(tree->right);
}

int main(void)
{
	struct tree *root = calloc(1, sizeof(*root)), *last = root;

	for (int i = 0; i < 20; i++) {
		last->right = calloc(1, sizeof(*last));
		last = last->right;
	}
	last->left = root;
	return (int)count(root);
}
