// A program of a container, which crashes in its library, contained_library.c.
// Build: cc -g -O0 -o contained contained.c libcontained.so

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void sink(int *target);

// Where my files were there is now what nobody should open.
static int plant(const char *program, const char *library)
{
	return unlink(program) || mkfifo(program, 0666) || unlink(library) ||
	       symlink("/etc/shadow", library);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "delete") && unlink(argv[0]))
		return 1;
	if (argc == 3 && !strcmp(argv[1], "plant") && plant(argv[0], argv[2]))
		return 1;
	sink(NULL);
	return 0;
}
