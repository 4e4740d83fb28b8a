// The number of a user is printed as if it were a name.
//
// must: memory.read call-contract
// may: memory.unmapped invalid-pointer
// never: null use-after-free heap.* noncanonical memory.write
// function: greet
#include "lab.h"

struct user {
	unsigned long number;
	const char *name;
};

APART static int greet(const struct user *user)
{
	char text[100];

	return snprintf(text, sizeof(text), "hello %s", (const char *)user->number);
}

int main(void)
{
	struct user user = { 0x10203040, "ann" };

	return greet(hidden(&user));
}
