#include "kernel_log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void kernel_log(const char *format, ...)
{
	static const char prefix[] = "<5>coresnap: ";
	char line[200];
	size_t start = sizeof(prefix) - 1;
	va_list arguments;

	memcpy(line, prefix, start);
	va_start(arguments, format);
	int size = vsnprintf(line + start, sizeof(line) - start, format, arguments);
	va_end(arguments);
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	size_t length = strlen(line);
	// Nobody is left to hear that the log itself failed.
	if (size > 0 && write(fd, line, length) < 0)
		length = 0;
	close(fd);
}
