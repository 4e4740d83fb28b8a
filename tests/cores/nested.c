// GNU C: a function inside a function, which writes through a null pointer.
// Build: gcc -g -O0 -o nested nested.c
int main(int argc, char **argv)
{
    int outside = argc;
    int inside(int *where)
    {
        *where = outside;
        return outside;
    }
    (void)argv;
    return inside((int *)8);
}
