// A large freed block has been sorted into its bin, where the allocator's links are.
//
// must: memory.write use-after-free
// must junk: memory.read use-after-free
// may: memory.unmapped memory.protection noncanonical invalid-pointer
// never: null double-free heap.overflow
// function: set_next
// only: glibc junk
#include "lab.h"

struct page {
	char header[16];
	struct page *nearer, *farther;
	char text[5000];
	long *counter;
};

APART static void set_next(struct page *page, long value)
{
	// The bin's link leads to the next larger block's header: 5,072 bytes behind it
	// is no counter.
	*page->nearer->counter = value;
}

int main(void)
{
	struct page *pages[6];
	char *guards[6];
	static long counter;

	for (int i = 0; i < 6; i++) {
		pages[i] = malloc(sizeof(struct page) + (size_t)i * 512);
		pages[i]->nearer = pages[0];
		pages[i]->counter = &counter;
		memset(pages[i]->text, 'x', sizeof(pages[i]->text));
		guards[i] = malloc(24);
	}
	set_next(pages[3], 1);
	memset(pages[1]->text, 'x', sizeof(pages[1]->text) + 8);
	memset(pages[3]->text, 'x', sizeof(pages[3]->text) + 8);
	free(pages[1]);
	free(pages[3]);
	free(malloc(20000));
	tell_block("free", pages[3], sizeof(struct page) + 3 * 512);
	set_next(hidden(pages[3]), 2);
	return guards[0] == NULL;
}
