// Build: cc -g -O2 mapped.c -o mapped
// Usage: mapped MEBIBYTES PERCENT: maps that much, fills PERCENT of it in 64 KiB runs
// spread evenly with bytes that do not compress, prints CLOCK_MONOTONIC in nanoseconds
// and writes through a null pointer.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { RUN = 64 * 1024 };

static void fill(uint64_t *words, size_t count)
{
    static uint64_t state = 88172645463325252u; // xorshift64
    for (size_t i = 0; i < count; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words[i] = state;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fputs("usage: mapped MEBIBYTES PERCENT\n", stderr), 2;
    size_t size = strtoull(argv[1], NULL, 10) << 20;
    unsigned percent = (unsigned)strtoul(argv[2], NULL, 10);
    char *start = mmap(NULL, size ? size : RUN, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return perror("mmap"), 1;
    for (size_t at = 0, run = 0; at < size; at += RUN, run++)
        if (run * percent / 100 != (run + 1) * percent / 100)
            fill((uint64_t *)(void *)(start + at), RUN / sizeof(uint64_t));
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    fflush(stdout);
    *(volatile int *)NULL = 1;
    return 0;
}
