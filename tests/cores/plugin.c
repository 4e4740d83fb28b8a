// A library that crashes in a function that it does not export.

#include <stdlib.h>

static int depth(int level)
{
	if (level == 0) {
		abort();
	}
	return depth(level - 1) + 1;
}

int plugin_run(int level)
{
	return depth(level) + 1;
}
