// Makes the system calls of coresnap-catch fail, or kills it between two of them.
//
// Linked into a build of its own by -Wl,--wrap=NAME for each __wrap_NAME below, so that
// nothing of this is in the sources that are shipped. The kernel starts a handler
// without an environment: the plan is a file whose path is compiled in (FAULTS_PLAN).
//
//     ACTION NAME NUMBER ERRNO
//
// At the NUMBERth call of NAME, or of all if NAME is `any`, the first being 1:
//
//     kill    SIGKILL before it
//     once    it fails with ERRNO
//     always  it and every later one of NAME fail with ERRNO
//     short   a write stores half of its bytes and says so; other calls do all
//     torn    a write stores half of its bytes, then SIGKILL
//
// The names of all calls are appended to FAULTS_PLAN.trace, one a line.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
	char action[8]; // "" until the plan was read
	char name[32];
	unsigned long number, count;
	int error, trace;
	bool now, failing; // the fault is this call; every call from one on
} plan;

static void read_plan(void)
{
	char text[128] = "";
	long fd = syscall(SYS_openat, AT_FDCWD, FAULTS_PLAN, O_RDONLY | O_CLOEXEC, 0);

	strcpy(plan.action, "none");
	if (fd >= 0) {
		if (syscall(SYS_read, fd, text, sizeof(text) - 1) > 0)
			sscanf(text, "%7s %31s %lu %d", plan.action, plan.name, &plan.number,
			       &plan.error);
		syscall(SYS_close, fd);
	}
	// Out of the way of the descriptors that the program counts on.
	fd = syscall(SYS_openat, AT_FDCWD, FAULTS_PLAN ".trace",
		     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	plan.trace = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 100);
	syscall(SYS_close, fd);
}

static void die(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
}

static bool does(const char *action)
{
	return plan.now && !strcmp(plan.action, action);
}

// Count a call. Say whether it is to fail; errno is then set.
static bool fails(const char *name)
{
	char line[64];
	int saved = errno;

	if (!*plan.action)
		read_plan();
	int length = snprintf(line, sizeof(line), "%s\n", name);
	syscall(SYS_write, plan.trace, line, length);
	bool named = !strcmp(plan.name, name) || !strcmp(plan.name, "any");
	plan.count += named;
	plan.now = named && plan.count == plan.number;
	if (does("kill"))
		die();
	plan.failing |= does("always");
	bool failing = does("once") || (plan.failing && named);
	errno = failing ? plan.error : saved;
	return failing;
}

static size_t halved(size_t size)
{
	return size > 1 && (does("short") || does("torn")) ? size / 2 : size;
}

static ssize_t stored(ssize_t result)
{
	if (does("torn"))
		die();
	return result;
}

#define WRAP(name, type, failed, parameters, arguments)                      \
	type __real_##name parameters;                                       \
	type __wrap_##name parameters;                                       \
	type __wrap_##name parameters                                        \
	{                                                                    \
		return fails(#name) ? (type)(failed) : __real_##name arguments; \
	}

#define WRAP_WRITE(name, parameters, arguments)                                    \
	ssize_t __real_##name parameters;                                          \
	ssize_t __wrap_##name parameters;                                          \
	ssize_t __wrap_##name parameters                                           \
	{                                                                          \
		if (fails(#name))                                                  \
			return -1;                                                 \
		size = halved(size);                                               \
		return stored(__real_##name arguments);                            \
	}

#define WRAP_OPEN(name, parameters, arguments)                                     \
	int __real_##name parameters;                                              \
	int __wrap_##name parameters;                                              \
	int __wrap_##name parameters                                               \
	{                                                                          \
		unsigned mode = 0;                                                 \
		va_list rest;                                                      \
		va_start(rest, flags);                                             \
		if (flags & (O_CREAT | O_TMPFILE))                                 \
			mode = va_arg(rest, unsigned);                             \
		va_end(rest);                                                      \
		return fails(#name) ? -1 : __real_##name arguments;                \
	}

WRAP_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))

WRAP_WRITE(write, (int fd, const void *data, size_t size), (fd, data, size))
WRAP_WRITE(pwrite, (int fd, const void *data, size_t size, off_t offset),
	   (fd, data, size, offset))

WRAP(read, ssize_t, -1, (int fd, void *data, size_t size), (fd, data, size))
WRAP(pread, ssize_t, -1, (int fd, void *data, size_t size, off_t offset),
     (fd, data, size, offset))
// Half of a vector is its first piece.
ssize_t __real_pwritev(int fd, const struct iovec *pieces, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
	if (fails("pwritev"))
		return -1;
	count = does("short") || does("torn") ? 1 : count;
	return stored(__real_pwritev(fd, pieces, count, offset));
}

WRAP(ftruncate, int, -1, (int fd, off_t size), (fd, size))
WRAP(fallocate, int, -1, (int fd, int mode, off_t offset, off_t size),
     (fd, mode, offset, size))
WRAP(fsync, int, -1, (int fd), (fd))
WRAP(fdatasync, int, -1, (int fd), (fd))
WRAP(fstat, int, -1, (int fd, struct stat *status), (fd, status))
WRAP(fstatvfs, int, -1, (int fd, struct statvfs *space), (fd, space))
WRAP(fchown, int, -1, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
WRAP(fchmod, int, -1, (int fd, mode_t mode), (fd, mode))
WRAP(flock, int, -1, (int fd, int operation), (fd, operation))
WRAP(linkat, int, -1, (int from, const char *path, int to, const char *name, int flags),
     (from, path, to, name, flags))
WRAP(unlinkat, int, -1, (int at, const char *path, int flags), (at, path, flags))
WRAP(renameat, int, -1, (int from, const char *path, int to, const char *name),
     (from, path, to, name))
WRAP(readlinkat, ssize_t, -1, (int at, const char *path, char *target, size_t size),
     (at, path, target, size))
WRAP(splice, ssize_t, -1,
     (int from, off_t *start, int to, off_t *place, size_t size, unsigned flags),
     (from, start, to, place, size, flags))
WRAP(copy_file_range, ssize_t, -1,
     (int from, off_t *start, int to, off_t *place, size_t size, unsigned flags),
     (from, start, to, place, size, flags))
WRAP(socket, int, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(sendto, ssize_t, -1,
     (int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
      socklen_t length),
     (fd, data, size, flags, address, length))
WRAP(getrandom, ssize_t, -1, (void *data, size_t size, unsigned flags),
     (data, size, flags))
WRAP(mmap, void *, MAP_FAILED,
     (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))
WRAP(aligned_alloc, void *, NULL, (size_t alignment, size_t size), (alignment, size))
