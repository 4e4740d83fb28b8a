// A checked strcpy into a buffer that is too short.
//
// must: fortify
// may: security
// never: null* memory.* heap.* stack-smash assert double-free
// function: main
// build: -g -O2 -D_FORTIFY_SOURCE=2
#include "lab.h"

struct user {
	char name[16];
	int number;
};

APART static int set_name(struct user *user, const char *name)
{
	strcpy(user->name, name);
	return user->number;
}

int main(void)
{
	struct user user = { "", 1 };

	set_name(&user, "ann");
	set_name(hidden(&user), hidden("a name of more than sixteen characters"));
	return user.number;
}
