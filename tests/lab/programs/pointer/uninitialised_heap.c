// A member is read before anybody set it; malloc fills blocks with a pattern.
//
// must: memory.read uninitialised
// may: noncanonical invalid-pointer memory.unmapped
// never: null use-after-free double-free heap.overflow
// unfound: block the block that holds the bad pointer is not asked for
// function: length
// environment: MALLOC_PERTURB_=90
// only: glibc junk
#include "lab.h"

struct message {
	int kind;
	const char *subject;
	const char *body;
};

APART static struct message *make(const char *body)
{
	struct message *message = malloc(sizeof(*message));

	message->kind = 1;
	message->body = body;
	return message;
}

APART static size_t length(const struct message *message)
{
	size_t length = 0;

	for (const char *p = message->subject; *p; p++)
		length++;
	return length;
}

int main(void)
{
	struct message *message = make("hello");

	tell_block("live", message, sizeof(*message));
	return (int)length(message);
}
