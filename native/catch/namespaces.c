#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "process.h"

static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};

enum { LINK_SIZE = 64 };

static int64_t read_link(int directory, const char *kind, char *ret)
{
	char name[16];

	snprintf(name, sizeof(name), "ns/%s", kind);
	return process_link(directory, name, ret, LINK_SIZE);
}

size_t namespaces_list(int directory, char *ret, size_t size)
{
	size_t used = 0;
	char link[LINK_SIZE];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (read_link(directory, kinds[i], link) < 0)
			continue;
		int length = snprintf(ret + used, size - used, "%s\n", link);
		if (length < 0 || (size_t)length >= size - used)
			break;
		used += (size_t)length;
	}
	return used;
}

// Not our own: a service that was told to see less of the disk has another. The first
// process may be one that nobody is allowed to look at; the second one is kthreadd,
// which the kernel starts before there are any other namespaces.
int namespaces_open_machine(void)
{
	static const char *const first[] = {"/proc/1", "/proc/2"};
	char link[LINK_SIZE];

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++) {
		int machine = open(first[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (machine >= 0 && read_link(machine, "mnt", link) >= 0)
			return machine;
		if (machine >= 0)
			close(machine);
	}
	return -ENOENT;
}

bool namespaces_is_foreign(int directory, const char *kind)
{
	char theirs[LINK_SIZE], first[LINK_SIZE];
	int machine = namespaces_open_machine();

	if (machine < 0)
		return false;
	bool known = read_link(machine, kind, first) >= 0;
	close(machine);
	return known && read_link(directory, kind, theirs) >= 0 && strcmp(theirs, first);
}

static int64_t name_in(int namespace, char *ret, size_t size)
{
	struct utsname names;

	if (setns(namespace, CLONE_NEWUTS))
		return -errno;
	if (uname(&names))
		return -errno;
	int length = snprintf(ret, size, "%s", names.nodename);
	return length >= 0 && (size_t)length < size ? length : -ENAMETOOLONG;
}

int64_t namespaces_hostname(int directory, char *ret, size_t size)
{
	int64_t length = -ENOENT;
	int own = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	int theirs = openat(directory, "ns/uts", O_RDONLY | O_CLOEXEC);

	if (own >= 0 && theirs >= 0) {
		length = name_in(theirs, ret, size);
		setns(own, CLONE_NEWUTS);
	}
	if (own >= 0)
		close(own);
	if (theirs >= 0)
		close(theirs);
	return length;
}
