// Two functions inlined into a third, then a write through a null pointer.
// Build: cc -g -O2 -o inlines inlines.c
#include <stddef.h>

#define INLINED static inline __attribute__((always_inline))

INLINED int inner(volatile int *where, int factor)
{
    int twice = factor * 2;
    {
        int deeper = twice + 1;
        *where = deeper;
    }
    return *where;
}
INLINED int middle(volatile int *where, int count)
{
    return inner(where, count + 5) + count;
}

__attribute__((noinline)) int outer(volatile int *where, int count)
{
    if (count > 100)
        return count;
    return middle(where, count);
}

int main(int argc, char **argv)
{
    (void)argv;
    return outer(NULL, argc);
}
