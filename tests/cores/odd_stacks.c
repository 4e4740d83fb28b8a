// Crashes on stacks that are none of a compiler's making. Usage: odd_stacks KIND
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int *nowhere;
static volatile int sink;

__attribute__((noinline)) static void crash(int depth)
{
    if (depth > 0) {
        crash(depth - 1);
    } else {
        *nowhere = depth;
    }
    sink = depth;
}

// --- code that was generated at run time ---------------------------------------

#if defined(__x86_64__)
static const unsigned char framed[] = {
    0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x20, // push; mov rbp, rsp; sub
    0xff, 0xd7, 0xc9, 0xc3,                         // call rdi; leave; ret
};
static const unsigned char frameless[] = {
    0x48, 0x83, 0xec, 0x28, 0xff, 0xd7, 0x48, 0x83, 0xc4, 0x28, 0xc3,
};
#else
static const unsigned char framed[] = {
    0x55, 0x89, 0xe5, 0x83, 0xec, 0x18, 0xff, 0x55, 0x08, 0xc9, 0xc3,
};
static const unsigned char frameless[] = {
    0x83, 0xec, 0x1c, 0xff, 0x54, 0x24, 0x20, 0x83, 0xc4, 0x1c, 0xc3,
};
#endif

static void from_generated(void)
{
    crash(2);
    sink = 1;
}

__attribute__((noinline)) static void generated(const unsigned char *code, size_t size)
{
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page + 64, code, size);
    ((void (*)(void (*)(void)))(page + 64))(from_generated);
    sink = 2;
}

// --- overwritten stacks --------------------------------------------------------

__attribute__((noinline)) static void smash(size_t size, int back)
{
    char buffer[16];
    memset(buffer, 'A', size);
    sink = buffer[0];
    if (!back) {
        crash(0);
    }
}

__attribute__((noinline)) static void between(size_t size, int back)
{
    char room[400];
    room[0] = (char)back;
    smash(size, back);
    sink = room[0];
}

__attribute__((noinline)) static void overflow(int depth)
{
    volatile char room[200];
    room[0] = (char)depth;
    overflow(depth + 1);
    sink = room[0];
}

// --- other stacks --------------------------------------------------------------

static ucontext_t outside, inside;
static char coroutine_stack[65536];

static void coroutine(int number)
{
    crash(number);
    sink = 3;
}

__attribute__((noinline)) static void switch_stacks(void)
{
    getcontext(&inside);
    inside.uc_stack.ss_sp = coroutine_stack;
    inside.uc_stack.ss_size = sizeof coroutine_stack;
    inside.uc_link = &outside;
    makecontext(&inside, (void (*)(void))coroutine, 1, 2);
    swapcontext(&outside, &inside);
    sink = 4;
}

// --- assembler without call frame information ----------------------------------

void bare(void (*function)(void));
#if defined(__x86_64__)
__asm__(".text\n.type bare, @function\nbare:\n"
        "push %rbx\npush %r12\nsub $0x58, %rsp\nmov %rdi, %rbx\n"
        "test %rbx, %rbx\nje 1f\ncall *%rbx\n"
        "1: add $0x58, %rsp\npop %r12\npop %rbx\nret\n.size bare, .-bare\n");
#else
__asm__(".text\n.type bare, @function\nbare:\n"
        "push %ebx\npush %esi\nsub $0x54, %esp\nmov 0x60(%esp), %ebx\n"
        "test %ebx, %ebx\nje 1f\ncall *%ebx\n"
        "1: add $0x54, %esp\npop %esi\npop %ebx\nret\n.size bare, .-bare\n");
#endif

static void *thread(void *argument)
{
    bare(from_generated);
    return argument;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    if (strcmp(kind, "framed") == 0) {
        generated(framed, sizeof framed);
    } else if (strcmp(kind, "frameless") == 0) {
        generated(frameless, sizeof frameless);
    } else if (strcmp(kind, "smashed") == 0) {
        between(120, 0);
    } else if (strcmp(kind, "smashed-return") == 0) {
        between(120, 1);
    } else if (strcmp(kind, "overflow") == 0) {
        overflow(0);
    } else if (strcmp(kind, "coroutine") == 0) {
        switch_stacks();
    } else if (strcmp(kind, "bare") == 0) {
        bare(from_generated);
    } else if (strcmp(kind, "thread") == 0) {
        pthread_t other;
        pthread_create(&other, NULL, thread, NULL);
        pthread_join(other, NULL);
    }
    return 1;
}
