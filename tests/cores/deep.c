// Many threads with deep, varied stacks, all waiting while one crashes.
// Usage: deep THREADS DEPTH
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_barrier_t ready;
static volatile int sink;

static int even(int depth, int *above);

static void rest(void)
{
    pthread_barrier_wait(&ready);
    pause();
}

__attribute__((noinline)) static int wide(int depth, int *above)
{
    char *buffer = alloca(16 + (unsigned)depth % 7 * 40);
    memset(buffer, depth, 16);
    int result = even(depth - 1, above) + buffer[3];
    return result + *above;
}

__attribute__((noinline)) static int odd(int depth, int *above)
{
    int local = depth * 3 + *above;
    sink = local;
    int result = depth % 5 == 0 ? wide(depth - 1, &local) : even(depth - 1, &local);
    return result + local;
}

__attribute__((noinline)) static int even(int depth, int *above)
{
    if (depth <= 0) {
        rest();
        return *above;
    }
    int many[8] = {depth, *above};
    int result = odd(depth - 1, &many[depth % 8]);
    return result + many[1];
}

static void *run(void *argument)
{
    int start = (int)(long)argument;
    return (void *)(long)even(start, &start);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 4;
    int depth = argc > 2 ? atoi(argv[2]) : 20;
    pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, run, (void *)(long)depth);
    }
    pthread_barrier_wait(&ready);
    raise(SIGSEGV);
    return 0;
}
