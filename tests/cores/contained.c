// A program of a container, which crashes in its library, contained_library.c.
// Build: cc -g -O0 -o contained contained.c libcontained.so

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sink(int *target);

static int delete_myself(const char *path)
{
	return unlink(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "delete") && delete_myself(argv[0]))
			return 1;
	sink(NULL);
	return 0;
}
