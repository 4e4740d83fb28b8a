// A list that became a ring: a recursion over it has no end.
#include <stddef.h>

struct node {
    struct node *next;
    int weight;
};

static long weigh(const struct node *node)
{
    if (node == NULL)
        return 0;
    return node->weight + weigh(node->next);
}

int main(void)
{
    struct node second = {NULL, 2};
    struct node first = {&second, 1};
    second.next = &first;
    return (int)weigh(&first);
}
