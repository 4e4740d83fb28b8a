// Build: cc -g -O2 storm.c -o storm
// Usage: storm COUNT: lets that many children crash one after the other, each reaped
// before the next, and prints the nanoseconds that all of them took.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fputs("usage: storm COUNT\n", stderr), 2;
    long long started = now();
    for (int left = atoi(argv[1]); left > 0; left--) {
        pid_t child = fork();
        if (child < 0)
            return perror("fork"), 1;
        if (!child)
            *(volatile int *)NULL = 1;
        waitpid(child, NULL, 0);
    }
    printf("%lld\n", now() - started);
    return 0;
}
