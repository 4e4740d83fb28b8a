// A freed connection's first member, once a call-back, now leads into libc's own data.
//
// must: use-after-free memory.exec
// may: wild-jump security* memory.protection noncanonical invalid-pointer
// never: null double-free heap.overflow return-corrupted
// function: poll_all
// only: glibc junk
#include "lab.h"

struct connection {
	int (*ready)(struct connection *);
	char input[4000];
	int number;
};

static int is_ready(struct connection *connection) { return connection->number & 1; }

APART static int poll_all(struct connection **connections, int count)
{
	int ready = 0;

	for (int i = 0; i < count; i++)
		ready += connections[i]->ready(connections[i]);
	return ready;
}

int main(void)
{
	struct connection *connections[4];

	for (int i = 0; i < 4; i++) {
		connections[i] = calloc(1, sizeof(struct connection));
		connections[i]->ready = is_ready;
		connections[i]->number = i;
	}
	poll_all(connections, 4);
	tell_block("free", connections[2], sizeof(struct connection));
	free(connections[2]);
	return poll_all(connections, 4);
}
