// A descriptor that is too high for select.
//
// must: fortify
// may: security libc-check limit*
// never: null* memory.* heap.* stack-smash assert double-free
// function: watch
// build: -g -O2 -D_FORTIFY_SOURCE=2
#include <sys/select.h>
#include "lab.h"

APART static int watch(int fd)
{
	fd_set readable;

	FD_ZERO(&readable);
	FD_SET(fd, &readable);
	return FD_ISSET(fd, &readable);
}

int main(void)
{
	return watch(3) + watch((int)hidden_number(1500));
}
