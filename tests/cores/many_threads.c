// 63 threads that recurse to different depths and wait; then the first one crashes.
// Build: cc -g -O0 -pthread -o many_threads many_threads.c

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { THREADS = 63 };

static pthread_barrier_t barrier;

__attribute__((noinline)) static int descend(int number, int depth)
{
    char text[256];

    snprintf(text, sizeof text, "thread %d at depth %d", number, depth);
    if (depth < number)
        return descend(number, depth + 1) + text[0];
    pthread_barrier_wait(&barrier);
    pause();
    return text[1];
}

static void *run(void *argument)
{
    descend((int)(long)argument, 0);
    return NULL;
}

int main(void)
{
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&thread, NULL, run, (void *)i);
    pthread_barrier_wait(&barrier);
    usleep(50000);
    *(volatile int *)8 = THREADS;
    return 0;
}
