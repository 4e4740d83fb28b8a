// Another process cuts a file that is mapped.
//
// must: bus.eof
// may: memory.read
// never: null memory.unmapped use-after-free alignment
// function: checksum
#include <fcntl.h>
#include <sys/mman.h>
#include "lab.h"

APART static unsigned checksum(const unsigned char *bytes, size_t length)
{
	unsigned sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

int main(void)
{
	char name[] = "/tmp/lab-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	if (fd < 0 || ftruncate(fd, 16384))
		return 2;
	unsigned char *bytes = mmap(NULL, 16384, PROT_READ, MAP_SHARED, fd, 0);
	unsigned sum = checksum(bytes, 16384);
	if (ftruncate(fd, 4096))
		return 2;
	return (int)(sum + checksum(bytes, 16384));
}
