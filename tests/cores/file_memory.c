// Maps a file privately and writes to one page of it, then crashes: the kernel dumps all
// pages, and only one is resident.
// Usage: file_memory FILE

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    struct stat file;
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;

    if (fd < 0 || fstat(fd, &file))
        return 1;
    char *area = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (area == MAP_FAILED)
        return 1;
    area[0] = 'W';
    *(volatile char *)8 = area[0];
    return 0;
}
