// A name that is too long for its field runs into the pointer behind it.
//
// must: memory.read noncanonical
// may: invalid-pointer heap.overflow
// never: null use-after-free bit-flip
// function: announce
#include "lab.h"

struct guest {
	char name[16];
	const char *greeting;
};

APART static size_t announce(const struct guest *guest)
{
	size_t length = 0;

	while (guest->greeting[length])
		length++;
	return length;
}

int main(void)
{
	struct guest *guest = malloc(sizeof(*guest));

	guest->greeting = "welcome";
	strcpy(hidden(guest->name), "Archibald the Conqueror");
	guest->greeting = *(const char **)(guest->name + 16);
	memcpy((char *)guest + 16, "Conqueror", 8);
	return (int)announce(guest);
}
