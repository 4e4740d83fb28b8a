#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FIRST_FREE = 4 }; // above the standard three and the pidfd

int descriptors_keep(int fd)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);

	return kept < 0 ? -errno : kept;
}

int descriptors_secure(int pidfd)
{
	int pipe = descriptors_keep(STDIN_FILENO);

	if (pipe < 0)
		return pipe;
	// May become 1 or 2 itself, which is as good as being copied there.
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != null && dup2(null, fd) < 0)
			return -errno;
	if (null > STDERR_FILENO && null != pidfd)
		close(null);
	return pipe;
}

void descriptors_forbid_core(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}
