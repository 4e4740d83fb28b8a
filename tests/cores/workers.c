// Threads that recurse with a buffer each; the last to arrive writes through a null
// pointer, while the others wait in two different functions.
// Build: cc -g -O0 (and -O2) -pthread -o workers workers.c
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, DEPTH = 20 };

struct work {
    int number;
    double weight;
    char name[16];
    struct work *previous;
};

static pthread_barrier_t barrier;
static __thread int depth_reached;

__attribute__((noinline)) static int descend(struct work *work, int depth)
{
    char buffer[64];
    snprintf(buffer, sizeof buffer, "%s at depth %d", work->name, depth);
    depth_reached = depth;
    if (depth < DEPTH)
        return descend(work, depth + 1) + buffer[0];
    pthread_barrier_wait(&barrier);
    if (work->number == THREADS - 1) {
        static __thread int arrived = 3;
        usleep(50000); // what a thread on its way to pause has is not the same for all
        arrived += work->number;
        *(volatile int *)8 = arrived;
    }
    pause();
    return buffer[1];
}

static void *run(void *argument)
{
    struct work *work = argument;
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
        works[i].previous = i ? &works[i - 1] : NULL;
        snprintf(works[i].name, sizeof works[i].name, "worker-%d", i);
        pthread_create(&threads[i], NULL, run, &works[i]);
    }
    pause();
    return 0;
}
