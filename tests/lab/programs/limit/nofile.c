// A server that may open sixteen files gives up at the seventeenth.
//
// must: abort
// may: limit*
// never: memory.* null* heap.* deadlock
// function: must_open
// kind: aborted
// shell: ulimit -n 16
#include <fcntl.h>
#include "lab.h"

APART static int must_open(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0) {
		perror(name);
		abort();
	}
	return fd;
}

int main(void)
{
	int sum = 0;

	for (int i = 0; i < 100; i++)
		sum += must_open("/dev/null");
	return sum;
}
