// A null pointer is noticed, and the program aborts before it would use it.
//
// must: abort
// never: null* memory.* assert use-after-free
// function: require
// kind: aborted
// build: -g -O2
#include "lab.h"

struct session {
	char *user;
	int number;
};

APART static void *require(void *pointer, const char *name)
{
	if (!pointer) {
		fprintf(stderr, "%s is NULL\n", name);
		abort();
	}
	return pointer;
}

APART static int number_of(struct session *session)
{
	return ((struct session *)require(session, "session"))->number;
}

int main(void)
{
	struct session session = { "root", 1 };

	return number_of(&session) + number_of(hidden(NULL));
}
