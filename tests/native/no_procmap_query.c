// Linked with -Wl,--wrap=ioctl: the kernel is older than 6.11.
#include <errno.h>

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	(void)request;
	errno = ENOTTY;
	return -1;
}
