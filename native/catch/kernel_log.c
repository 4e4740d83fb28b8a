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
	int size = vsnprintf(line + start, sizeof(line) - start - 1, format, arguments);
	va_end(arguments);
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return;
	// Without its end a record is kept from readers until the next one is written
	// (kernel/printk/printk.c, vprintk_store: prb_commit, not prb_final_commit).
	size_t length = strlen(line);
	line[length++] = '\n';
	// Nobody is left to hear that the log itself failed.
	if (size > 0 && write(fd, line, length) < 0)
		length = 0;
	close(fd);
}
