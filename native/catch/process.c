#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_INHERITED = 3, DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };

int64_t process_read(int directory, const char *name, void *data, size_t size,
		     bool *ret_cut)
{
	char *bytes = data;
	size_t done = 0;
	ssize_t got = 1;
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);

	if (ret_cut)
		*ret_cut = false;
	if (fd < 0)
		return -errno;
	while (done < size && (got = read(fd, bytes + done, size - done)) > 0)
		done += (size_t)got;
	int error = got < 0 ? errno : 0;
	if (ret_cut && done == size) {
		char more;
		*ret_cut = read(fd, &more, 1) == 1;
	}
	close(fd);
	// What was read before an error is still true.
	return done || !error ? (int64_t)done : -error;
}

int64_t process_link(int directory, const char *name, char *ret, size_t size)
{
	ssize_t length = readlinkat(directory, name, ret, size - 1);

	if (length < 0)
		return -errno;
	ret[length] = '\0';
	return length;
}

// Pid that a pidfd refers to: -1 if it was reaped, 0 if it is no pidfd.
static int64_t pidfd_pid(int pidfd)
{
	char name[64], text[512];

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", pidfd);
	int64_t size = process_read(AT_FDCWD, name, text, sizeof(text) - 1, NULL);
	if (size < 0)
		return 0;
	text[size] = '\0';
	const char *line = strstr(text, "\nPid:\t");
	return line ? strtoll(line + 6, NULL, 10) : 0;
}

int process_open(int64_t pid, int64_t tid, int64_t pidfd, struct process *ret)
{
	char name[64];

	*ret = (struct process){.pid = pid, .directory = -1, .task = -1, .pidfd = -1};
	snprintf(name, sizeof(name), "/proc/%" PRId64, pid);
	ret->directory = open(name, DIRECTORY);
	int error = ret->directory < 0 ? -errno : 0;
	// The pidfd is asked after the directory is open: only then do they agree on
	// one process. It came by inheritance, so it is above the standard three.
	if (pidfd >= FIRST_INHERITED && pidfd <= INT32_MAX) {
		int64_t held = pidfd_pid((int)pidfd);
		ret->pidfd = held ? (int)pidfd : -1;
		ret->verified = !error && held == pid;
		ret->foreign = held && held != pid;
	}
	if (error)
		return error;
	// If the first thread has exited, its directory has neither maps nor memory.
	snprintf(name, sizeof(name), "task/%" PRId64, tid);
	ret->task = openat(ret->directory, name, DIRECTORY);
	if (ret->task < 0)
		ret->task = fcntl(ret->directory, F_DUPFD_CLOEXEC, 0);
	return 0;
}

void process_close(struct process *process)
{
	if (process->task >= 0)
		close(process->task);
	if (process->directory >= 0)
		close(process->directory);
}

bool process_is_same(const struct process *process)
{
	char byte;

	if (process->directory < 0 || process->foreign)
		return false;
	if (process->pidfd >= 0 && pidfd_pid(process->pidfd) != process->pid)
		return false;
	return process_read(process->directory, "stat", &byte, 1, NULL) == 1;
}

bool process_is_ourselves(const struct process *process)
{
	char own[4096], other[4096];

	return process->directory >= 0 &&
	       process_link(AT_FDCWD, "/proc/self/exe", own, sizeof(own)) > 0 &&
	       process_link(process->directory, "exe", other, sizeof(other)) > 0 &&
	       !strcmp(own, other);
}
