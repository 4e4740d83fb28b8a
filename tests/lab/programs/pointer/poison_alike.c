// A page of memory that is the program's own pattern, never an allocator's, holds what
// is used as a pointer.
//
// must: memory.read noncanonical
// may: invalid-pointer
// never: use-after-free uninitialised null double-free heap.*
// function: name_of
// build: -g -O1
#include <sys/mman.h>
#include "lab.h"

struct page {
	long kind;
	const char *name;
};

APART static int name_of(const struct page *page)
{
	return page->name[0];
}

int main(void)
{
	struct page *pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	// The test pattern of a memory test.
	memset(pages, 0x5a, 65536);
	pages[0] = (struct page){ 1, "first" };
	return name_of(&pages[0]) + name_of(hidden(&pages[1]));
}
