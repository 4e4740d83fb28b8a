#include "input_file.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int input_file(const uint8_t *data, size_t size)
{
	int file = memfd_create("input", MFD_CLOEXEC);

	if (file < 0 || write(file, data, size) != (ssize_t)size ||
	    lseek(file, 0, SEEK_SET))
		abort();
	return file;
}
