// A recursion DEPTH deep crashes while WORKERS threads stand at one place.
// Usage: crowd WORKERS DEPTH
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t ready;

static void *work(void *argument)
{
    long number = (long)argument;

    sem_post(&ready);
    while (number >= 0)
        pause();
    return NULL;
}

static void recurse(int depth)
{
    volatile int twice = 2 * depth;

    if (depth == 0)
        *(volatile int *)0 = twice;
    recurse(depth - 1);
}

int main(int argc, char **argv)
{
    int workers = argc > 1 ? atoi(argv[1]) : 1;
    char *note = strdup("in the heap, far from any register");
    pthread_attr_t small;
    pthread_t thread;

    sem_init(&ready, 0, 0);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 * 1024);
    for (long i = 0; i < workers; i++)
        pthread_create(&thread, &small, work, (void *)i);
    for (int i = 0; i < workers; i++)
        sem_wait(&ready);
    usleep(50000);
    recurse(argc > 2 ? atoi(argv[2]) : 1);
    return note != NULL;
}
