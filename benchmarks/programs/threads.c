// Build: cc -g -O0 -pthread threads.c -o threads [-DTHREADS=1000 -DDEPTH=20]
// 64 named threads, or as many as it says, recurse 200 deep with a 256-byte buffer each and meet at a barrier;
// the last to arrive prints CLOCK_MONOTONIC in nanoseconds and writes through a null
// pointer. 538 MB of stacks, nearly all holes.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef THREADS
#define THREADS 64
#endif
#ifndef DEPTH
#define DEPTH 200
#endif

static pthread_barrier_t barrier;

struct work {
    int number;
    double weight;
    char name[16];
};

static int descend(struct work *work, int depth)
{
    char buffer[256];
    snprintf(buffer, sizeof buffer, "%s at depth %d", work->name, depth);
    if (depth < DEPTH)
        return descend(work, depth + 1) + (int)strlen(buffer);
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
        fflush(stdout);
        *(volatile int *)NULL = work->number;
    }
    pause();
    return 0;
}

static void *run(void *argument)
{
    struct work *work = argument;
    pthread_setname_np(pthread_self(), work->name);
    descend(work, 0);
    return NULL;
}

int main(void)
{
    static struct work works[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        works[i].number = i;
        works[i].weight = i / 3.0;
        snprintf(works[i].name, sizeof works[i].name, "worker-%d", i);
        pthread_create(&threads[i], NULL, run, &works[i]);
    }
    pause();
    return 0;
}
