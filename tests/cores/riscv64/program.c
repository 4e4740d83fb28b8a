// A RISC-V program without a libc: crashes in a signal handler, behind a recursion.
// middle has no call frame information (see make).
typedef unsigned long word;

struct action {
    void (*handler)(int);
    word flags;
    word mask;
};

static long call(long number, word first, word second, word third, word fourth)
{
    register word a0 __asm__("a0") = first;
    register word a1 __asm__("a1") = second;
    register word a2 __asm__("a2") = third;
    register word a3 __asm__("a3") = fourth;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a7)
                     : "memory");
    return (long)a0;
}

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

int middle(int depth);

static void on_signal(int number)
{
    recurse(number / 5, (volatile int *)16);
}

__attribute__((noinline)) static int raise_it(int number)
{
    call(129, (word)call(172, 0, 0, 0, 0), (word)number, 0, 0); // kill(getpid())
    return number;
}

int outer(int number)
{
    struct action action = {on_signal, 0, 0};
    call(134, (word)number, (word)&action, 0, 8); // rt_sigaction
    return raise_it(number) + 1;
}

void _start(void)
{
    middle(10);
    for (;;) {
    }
}
