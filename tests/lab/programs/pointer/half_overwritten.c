// An integer is stored where a pointer's lower half is.
//
// must: memory.read
// may: memory.unmapped invalid-pointer heap.overflow
// never: null use-after-free double-free noncanonical bit-flip
// function: print_name
#include "lab.h"

struct person {
	int age;
	int ids[3];
	const char *name;
};

APART static int print_name(const struct person *person)
{
	return person->name[0] + person->age;
}

int main(void)
{
	struct person *person = calloc(1, sizeof(*person));
	int *ids = hidden(person->ids);

	person->name = "nobody";
	for (int i = 0; i < 4; i++)
		ids[i] = 1000 + i;
	return print_name(hidden(person));
}
