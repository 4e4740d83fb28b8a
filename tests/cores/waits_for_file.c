// Lets a part of its memory be that of a file which is not in memory, and crashes.
// Whoever reads this memory waits for the file's server.
// Usage: waits_for_file FILE environment|arguments|modules|text|core
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };

extern char **environ;

static int file;
static char **words;
static const char *part;

static void *map(uintptr_t address, size_t size, int protection, int flags)
{
    // Not its first page: the kernel itself looks there for an ELF header.
    void *area = mmap((void *)address, size, protection, MAP_PRIVATE | flags, file, PAGE);

    if (area == MAP_FAILED)
        _exit(2);
    return area;
}

// The pages that hold nothing but this.
static void cover(const char *from, const char *to)
{
    uintptr_t start = ((uintptr_t)from + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = (uintptr_t)to / PAGE * PAGE;

    if (start >= end)
        _exit(3);
    map(start, end - start, PROT_READ, MAP_FIXED);
}

static void *crash(void *nothing)
{
    (void)nothing;
    if (!strcmp(part, "environment")) {
        cover(environ[0], environ[0] + strlen(environ[0]));
    } else if (!strcmp(part, "arguments")) {
        // Far enough behind for the 80 bytes that the kernel copies into the core.
        cover(words[3] + PAGE, words[3] + strlen(words[3]));
    } else if (!strcmp(part, "modules")) {
        _r_debug.r_map->l_next = map(0, 4 * PAGE, PROT_READ, 0);
    } else if (!strcmp(part, "text")) {
        map(0, 4 * PAGE, PROT_READ | PROT_EXEC, 0);
    } else {
        // Bit 2: what is mapped from files belongs into the core (core(5)).
        int filter = open("/proc/self/coredump_filter", O_WRONLY);
        if (write(filter, "0x37", 4) != 4)
            _exit(4);
        map(0, 4 * PAGE, PROT_READ, 0);
    }
    *(volatile int *)8 = 0;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    if (argc < 3 || (file = open(argv[1], O_RDONLY)) < 0)
        return 2;
    words = argv;
    part = argv[2];
    // On a stack of its own: the first one has the words at its end.
    pthread_create(&thread, NULL, crash, NULL);
    pthread_join(thread, NULL);
    return 0;
}
