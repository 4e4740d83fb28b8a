// Crashes in a signal handler, behind a recursion: for machines that qemu emulates.
#include <signal.h>

static volatile int result;

__attribute__((noinline)) static int leaf(volatile int *place)
{
    return *place = 3;
}

__attribute__((noinline)) static int recurse(int depth, volatile int *place)
{
    volatile char filler[40];
    filler[0] = (char)depth;
    return depth ? recurse(depth - 1, place) + filler[0] : leaf(place) + 1;
}

static void on_signal(int number)
{
    result = recurse(number / 4, (volatile int *)16);
}

int main(void)
{
    signal(SIGUSR1, on_signal);
    return raise(SIGUSR1) + result;
}
