// Calls what is no code. Usage: wildcall null|wild|data|library
#include <stdlib.h>
#include <string.h>

static char data[64];

__attribute__((noinline)) static int call(int (*function)(int), int argument)
{
    int result = function(argument + 1);
    return result + argument;
}

static int compare(const void *left, const void *right)
{
    int (*volatile nothing)(int) = 0;
    return call(nothing, *(const int *)left - *(const int *)right);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "null";
    int (*volatile target)(int) = 0;
    if (strcmp(what, "wild") == 0) {
        target = (int (*)(int))0x123456789000;
    } else if (strcmp(what, "data") == 0) {
        target = (int (*)(int))(void *)data;
    } else if (strcmp(what, "library") == 0) {
        int numbers[] = {3, 1, 2};
        qsort(numbers, 3, sizeof *numbers, compare);
    }
    return call(target, argc) + 1;
}
