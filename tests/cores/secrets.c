// Memory that a local variable points to, some of which must not be dumped; then a
// crash. Most memory is pointed to by nobody.
// Build: cc -g -O0 -o secrets secrets.c

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, FILLER = 32 * 1024 * 1024 };

static char *map(size_t size)
{
    char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        abort();
    return area;
}

int main(void)
{
    // Areas of their own, so that none is kept only because it is beside another.
    char *object = malloc(100);
    char *filler = map(FILLER);
    char *secret = map(16 * PAGE);

    for (size_t at = 0; at < FILLER; at += 16)
        memcpy(filler + at, "FILLER-FILLER-16", 16);
    madvise(secret, 16 * PAGE, MADV_DONTDUMP);
    for (size_t at = 0; at < 16 * PAGE; at += 16)
        memcpy(secret + at, "SECRET-SECRET-16", 16);
    // Built at run time: the program itself must not hold the text.
    for (int i = 0; i < 9; i++)
        object[i] = (char)("PCKFDU-11"[i] - (i < 6));
    *(volatile char *)8 = object[0] + secret[0] + filler[0];
    return 0;
}
