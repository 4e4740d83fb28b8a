// A thread's own arena: a freed message is still in the thread's queue.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow
// function: receive
// only: glibc junk
#include <pthread.h>
#include "lab.h"

struct message {
	struct message *next;
	size_t length;
	char text[80];
};

APART static size_t receive(struct message *queue)
{
	size_t length = 0;

	while (queue) {
		length += queue->length;
		queue = queue->next;
	}
	return length;
}

static void *work(void *unused)
{
	struct message *queue = NULL;

	for (int i = 0; i < 12; i++) {
		struct message *message = malloc(sizeof(*message));
		message->next = queue;
		message->length = (size_t)snprintf(message->text, 80, "message %d", i);
		queue = message;
	}
	tell_block("free", queue->next->next, sizeof(*queue));
	free(queue->next->next->next);
	free(queue->next->next);
	return (void *)receive(queue);
}

int main(void)
{
	pthread_t thread;

	free(malloc(10));
	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	return 0;
}
