// Build: cc -g -O0 tiny.c -o tiny
// Recursion over a linked list of three nodes, then a read through the null after it.
#include <stdlib.h>

struct node {
    int value;
    const char *label;
    struct node *next;
};

static int sum(struct node *node, int depth)
{
    if (depth == 3)
        return node->value; // the crash: there are only three nodes
    return node->value + sum(node->next, depth + 1);
}

int main(void)
{
    struct node third = {3, "third", NULL};
    struct node second = {2, "second", &third};
    struct node first = {1, "first", &second};
    return sum(&first, 0);
}
