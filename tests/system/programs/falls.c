// Says its process id and writes through a null pointer, a few calls deep. Built once for
// each crash that is to be told apart: each has a build-id and thus a kind of its own.
#include <stdio.h>
#include <unistd.h>

static int *volatile nothing;

__attribute__((noinline)) static int fall(int depth)
{
	if (depth == 0)
		*nothing = 1;
	return fall(depth - 1) + 1;
}

int main(void)
{
	printf("%d\n", getpid());
	fflush(stdout);
	return fall(5);
}
