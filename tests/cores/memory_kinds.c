// A process with every kind of mapping that a core treats differently, then a crash.
//
// It leaves pages untouched, zeroed, discarded, protected and beyond the end of their
// file, for the two ways of fetching a core to agree on.

#define _GNU_SOURCE

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 64, LARGE = 256 * 1024 * 1024 };

static char initialised[PAGES * PAGE] = {1};
static volatile char zero_page;

static char *map(size_t size, int protection, int flags, int fd)
{
	char *area = mmap(NULL, size, protection, flags, fd, 0);

	if (area == MAP_FAILED)
		abort();
	return area;
}

static void touch_every(char *area, int first, int step)
{
	for (int page = first; page < PAGES; page += step)
		memset(area + page * PAGE, 'a' + page % 26, PAGE);
}

static int make_file(size_t size)
{
	char path[] = "/tmp/coresnap-memory-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path))
		abort();
	for (size_t at = 0; at < size; at += PAGE) {
		char page[PAGE];
		memset(page, 'F', sizeof(page));
		if (write(fd, page, sizeof(page)) != PAGE)
			abort();
	}
	return fd;
}

static void map_anonymous(void)
{
	char *area = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	touch_every(area, 0, 3);
	memset(area + PAGE, 0, PAGE);
	zero_page = *(volatile char *)(area + 4 * PAGE);
	madvise(area + 6 * PAGE, 3 * PAGE, MADV_DONTNEED);
	mprotect(area + 9 * PAGE, 6 * PAGE, PROT_NONE);
	char *hidden =
		map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch_every(hidden, 0, 1);
	madvise(hidden, PAGES * PAGE, MADV_DONTDUMP);
}

static void map_large(void)
{
	char *area = map(LARGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	for (size_t at = 0; at < LARGE; at += LARGE / 61)
		area[at & ~(size_t)(PAGE - 1)] = 'L';
}

static void map_files(void)
{
	int fd = make_file(PAGES * PAGE);
	char *area = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);

	// One page written makes the kernel dump all of them, touched or not.
	area[5 * PAGE] = 'W';
	madvise(area + 10 * PAGE, 20 * PAGE, MADV_DONTNEED);
	int cut = make_file(PAGES * PAGE);
	char *beyond = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, cut);
	beyond[0] = 'B';
	if (ftruncate(cut, 8 * PAGE + 100))
		abort();
}

static void map_shared(void)
{
	char *area = map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	int fd = memfd_create("coresnap", 0);

	touch_every(area, 1, 4);
	if (fd < 0 || ftruncate(fd, PAGES * PAGE))
		abort();
	// Written through the descriptor: these pages are in no page table of ours.
	if (pwrite(fd, "memfd", 5, 7 * PAGE) != 5)
		abort();
	map(PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

int main(void)
{
	initialised[17 * PAGE] = 2;
	map_anonymous();
	map_large();
	map_files();
	map_shared();
	*(volatile int *)8 = 1;
	return 0;
}
