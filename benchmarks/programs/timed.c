// Build: cc -O2 timed.c -o timed
// Usage: timed COMMAND [ARG ...] 3>FIGURES: runs it and writes "nanoseconds bytes" to
// descriptor 3: elapsed time and peak resident memory. A child of a large process counts
// that process's memory as its own peak (fs/exec.c, setmax_mm_hiwater_rss); a child of
// this small one does not.
#include <stdio.h>
#include <sys/resource.h>
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
    struct rusage usage;
    int status = 0;
    long long started = now();
    pid_t child = argc > 1 ? fork() : -1;

    if (child == 0) {
        close(3);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 1;
    dprintf(3, "%lld %ld\n", now() - started, usage.ru_maxrss * 1024L);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
