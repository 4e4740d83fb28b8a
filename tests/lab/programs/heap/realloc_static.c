// A buffer grows that began as a static one.
//
// must: invalid-free abort
// never: memory.* null* double-free heap.* use-after-free
// function: grow
// only: glibc
#include "lab.h"

static char first[32];

struct buffer {
	char *bytes;
	size_t size, used;
};

APART static void grow(struct buffer *buffer)
{
	buffer->size *= 2;
	buffer->bytes = realloc(buffer->bytes, buffer->size);
}

APART static void put(struct buffer *buffer, char byte)
{
	if (buffer->used == buffer->size)
		grow(buffer);
	buffer->bytes[buffer->used++] = byte;
}

int main(void)
{
	struct buffer buffer = { first, sizeof(first), 0 };

	for (int i = 0; i < 100; i++)
		put(&buffer, 'x');
	return 0;
}
