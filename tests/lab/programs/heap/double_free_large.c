// A large buffer is freed twice, with other work in between; threads are waiting.
//
// must: double-free abort
// never: memory.* null* heap.overflow use-after-free assert
// function: close_stream
// only: glibc
// build: -g -O2
#include <pthread.h>
#include "lab.h"

struct stream {
	char *buffer;
	size_t size;
};

static void *idle(void *unused)
{
	free(malloc(100));
	pause();
	return NULL;
}

APART static void close_stream(struct stream *stream)
{
	free(stream->buffer);
	stream->size = 0;
}

int main(void)
{
	struct stream stream = { malloc(20000), 20000 };
	char *other = malloc(3000), *last = malloc(5000);
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, idle, NULL);
	usleep(10000);
	memset(stream.buffer, 'x', stream.size);
	tell_block("free", stream.buffer, stream.size);
	close_stream(hidden(&stream));
	memset(other, 'y', 3000);
	close_stream(hidden(&stream));
	return last[0] + other[0];
}
