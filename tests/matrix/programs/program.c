// Starts the strike of strike.c or strike.cc, which ends the process as argv[1] says.
// With DYNAMIC it is in a library beside the program, deleted once it is loaded.
#ifdef DYNAMIC
#include <dlfcn.h>
#include <libgen.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*strike_fn)(const char *way, int depth);

#ifdef DYNAMIC
static strike_fn find_strike(const char *program)
{
	char directory[4096], path[4200];

	strncpy(directory, program, sizeof(directory) - 1);
	directory[sizeof(directory) - 1] = 0;
	snprintf(path, sizeof(path), "%s/libstrike.so", dirname(directory));
	void *library = dlopen(path, RTLD_NOW);
	if (library == NULL) {
		fputs(dlerror(), stderr);
		exit(2);
	}
	unlink(path);
	return (strike_fn)dlsym(library, "strike");
}
#else
extern int strike(const char *way, int depth);

static strike_fn find_strike(const char *program)
{
	(void)program;
	return strike;
}
#endif

int main(int argc, char **argv)
{
	strike_fn start = find_strike(argv[0]);
	char name[16];
	int counts[3] = {argc, 20, 30};

	snprintf(name, sizeof(name), "%.15s", argc > 1 ? argv[1] : "write");
	int result = start(name, counts[0] + 1);
	printf("%s survived: %d\n", name, result + counts[1]);
	return 2;
}
