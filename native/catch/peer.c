#include "peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "process_stat.h"

#ifndef SO_PEERPIDFD
enum { SO_PEERPIDFD = 77 };
#endif

// include/uapi/linux/pidfd.h: struct pidfd_info in its second size, which has what is
// wanted since Linux 6.16.
struct pidfd_info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
	uint32_t coredump_mask;
	uint32_t coredump_signal;
};

#define PIDFD_GET_INFO _IOWR(0xff, 11, struct pidfd_info)

enum {
	// Bits of `mask`.
	INFO_COREDUMP = 1 << 4,
	INFO_COREDUMP_SIGNAL = 1 << 6, // Linux 6.19
	// Bits of `coredump_mask`.
	COREDUMPED = 1 << 0,
	COREDUMP_USER = 1 << 2,
	COREDUMP_ROOT = 1 << 3,
	// Values of %d.
	DUMP_USER = 1,
	DUMP_ROOT = 2,
};

enum { PF_DUMPCORE = 0x200 }; // include/linux/sched.h

enum { SIGNAL_MASK = 0x7f };

static int64_t stat_field(int directory, const char *name, int wanted)
{
	uint64_t field;

	return process_stat(directory, name, wanted, 1, &field) == 1 ? (int64_t)field
								     : NO_NUMBER;
}

// The thread that dumps.
static int64_t find_task(int directory)
{
	struct dirent *entry;
	int64_t found = NO_NUMBER;
	int tasks = openat(directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = tasks < 0 ? NULL : fdopendir(tasks);

	while (listing && found == NO_NUMBER && (entry = readdir(listing))) {
		char name[sizeof(entry->d_name) + sizeof("/stat")];
		snprintf(name, sizeof(name), "%s/stat", entry->d_name);
		int64_t flags = *entry->d_name == '.' ? 0 : stat_field(tasks, name, STAT_FLAGS);
		if (flags != NO_NUMBER && (flags & PF_DUMPCORE))
			found = strtoll(entry->d_name, NULL, 10);
	}
	if (listing)
		closedir(listing);
	else if (tasks >= 0)
		close(tasks);
	return found;
}

// The first number behind a word at the start of a line.
static bool number_after(int directory, const char *name, const char *word, uint64_t *ret)
{
	char text[4096] = "\n";
	int64_t size = process_read(directory, name, text + 1, sizeof(text) - 2, NULL);

	text[size > 0 ? size + 1 : 0] = '\0';
	const char *line = strstr(text, word);
	if (!line)
		return false;
	line += strlen(word);
	line += strspn(line, " \t");
	*ret = strncmp(line, "unlimited", 9) ? strtoull(line, NULL, 10) : UINT64_MAX;
	return true;
}

static void ask_pidfd(int pidfd, struct pidfd_info *ret)
{
	*ret = (struct pidfd_info){.mask = INFO_COREDUMP | INFO_COREDUMP_SIGNAL};
	if (ioctl(pidfd, PIDFD_GET_INFO, ret))
		ret->mask = 0;
}

static void find_by_pidfd(int pidfd, struct arguments *arguments)
{
	struct pidfd_info info;

	ask_pidfd(pidfd, &info);
	if ((info.mask & INFO_COREDUMP) && (info.coredump_mask & COREDUMPED))
		arguments->dump_mode = info.coredump_mask & COREDUMP_USER   ? DUMP_USER
				       : info.coredump_mask & COREDUMP_ROOT ? DUMP_ROOT
									    : NO_NUMBER;
	if (info.mask & INFO_COREDUMP_SIGNAL)
		arguments->signal = info.coredump_signal;
}

// As %E, but seen from our root. The first thread may have gone, and its link with it.
static void find_executable(int directory, int64_t tid, char *ret, size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%" PRId64 "/exe", tid);
	if (process_link(directory, name, ret, size) < 0)
		ret[0] = '\0';
	for (char *at = ret; (at = strchr(at, '/'));)
		*at = '!';
}

static void find_in_proc(int directory, char *executable, size_t size,
			 struct arguments *arguments)
{
	uint64_t number;

	arguments->tid = find_task(directory);
	// While a process dumps, this is the signal that made it (fs/coredump.c,
	// zap_process: the group's exit code).
	int64_t code = stat_field(directory, "stat", STAT_EXIT_CODE);
	if (arguments->signal == NO_NUMBER && code > 0)
		arguments->signal = code & SIGNAL_MASK;
	if (number_after(directory, "status", "\nUid:", &number))
		arguments->uid = (int64_t)number;
	if (number_after(directory, "status", "\nGid:", &number))
		arguments->gid = (int64_t)number;
	arguments->has_core_limit = number_after(directory, "limits", "\nMax core file size",
						 &arguments->core_limit);
	find_executable(directory, arguments->tid, executable, size);
	arguments->executable = executable;
}

static void find_by_pid(int64_t pid, char *executable, size_t size,
			struct arguments *arguments)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%" PRId64, pid);
	int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return;
	find_in_proc(directory, executable, size, arguments);
	close(directory);
}

static int peer_pid(int connection, int64_t *ret)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid <= 0)
		return -ENOTCONN;
	*ret = peer.pid;
	return 0;
}

static int peer_pidfd(int connection)
{
	int pidfd = -1;
	socklen_t size = sizeof(pidfd);

	return getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) ? -1 : pidfd;
}

int peer_find(int connection, char *executable, size_t size, struct arguments *ret_arguments,
	      struct process *ret_process)
{
	struct arguments known;
	int64_t pid = 0;

	arguments_init(&known);
	int error = peer_pid(connection, &pid);
	if (error)
		return error;
	known.settings = ret_arguments->settings;
	known.pid = pid;
	known.pidfd = peer_pidfd(connection);
	known.time = time(NULL);
	find_by_pidfd((int)known.pidfd, &known);
	bool is_dumping = known.dump_mode != NO_NUMBER;
	*ret_arguments = known;
	find_by_pid(pid, executable, size, ret_arguments);
	// Only now is it known that the pid was this process's from the connection on.
	process_open(pid, ret_arguments->tid, known.pidfd, ret_process);
	if (ret_process->verified)
		return is_dumping || ret_arguments->tid != NO_NUMBER ? 0 : -ENOTCONN;
	*ret_arguments = known;
	return is_dumping ? 0 : -ENOTCONN;
}
