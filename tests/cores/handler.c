// Crashes in a signal handler, itself called in a signal handler.
// Usage: handler [altstack]
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile int *nowhere;
static char stack[65536];

__attribute__((noinline)) static void crash(int depth)
{
    if (depth > 0) {
        crash(depth - 1);
    } else {
        *nowhere = depth;
    }
    nowhere = 0;
}

static void on_fault(int number)
{
    (void)number;
    abort();
}

static void on_user(int number)
{
    crash(number % 4);
    nowhere = 0;
}

__attribute__((noinline)) static int outer(const char *text)
{
    int length = (int)strlen(text);
    raise(SIGUSR1);
    return length;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
        sigaltstack(&alternate, NULL);
    }
    struct sigaction action = {.sa_flags = argc > 1 ? SA_ONSTACK : 0};
    action.sa_handler = on_user;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    return outer(argv[0]);
}
