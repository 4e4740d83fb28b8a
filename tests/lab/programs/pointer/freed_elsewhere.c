// The frame holds freed pointers in variables, but what fails is a null pointer.
//
// must: null memory.read
// may: null.read memory.unmapped
// never: use-after-free double-free invalid-free heap.* uninitialised
// function: compare
#include "lab.h"

struct pair {
	char *left, *right;
};

APART static int compare(struct pair *pair, char *old_left, char *old_right)
{
	int difference = 0;

	for (int i = 0; i < 3; i++)
		difference += pair->left[i] - pair->right[i];
	return difference + (old_left == old_right);
}

int main(void)
{
	struct pair pair = { strdup("left"), NULL };
	char *a = strdup("an old one"), *b = strdup("another old one");

	free(a);
	free(b);
	return compare(&pair, a, b);
}
