#include "modules.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "module_files.h"
#include "namespaces.h"

// Milliseconds until all files are open, with the process held; until all are copied;
// and until a killed child is gone.
enum { OPEN_PATIENCE = 500, COPY_PATIENCE = 10 * 1000, END_PATIENCE = 1000 };

static const int64_t MILLISECOND = NANOSECONDS / 1000;

// What the child has brought about; and, to it, where to begin.
struct progress {
	uint64_t offset;
	unsigned members;
	unsigned left_out;
};

// A file's path in the process is not one of ours where the root is another.
static bool has_another_root(const struct process *process)
{
	char root[4096];

	return namespaces_is_foreign(process->directory, "mnt") ||
	       (process_link(process->directory, "root", root, sizeof(root)) > 0 && root[1]);
}

static bool wants_modules(const struct process *process, const struct policy *policy)
{
	if (process->directory < 0 || process->foreign || policy->rung >= RUNG_RECORD)
		return false;
	return policy->modules == MODULES_ALL ||
	       (policy->modules == MODULES_CONTAINER && has_another_root(process));
}

static bool say(int channel, const struct assets *assets)
{
	struct progress progress = {assets->tar.offset, assets->members, assets->left_out};

	return send(channel, &progress, sizeof(progress), MSG_NOSIGNAL) == sizeof(progress);
}

static bool hear(int channel, struct assets *assets)
{
	struct progress progress;
	ssize_t got;

	do
		got = recv(channel, &progress, sizeof(progress), 0);
	while (got < 0 && errno == EINTR);
	if (got != sizeof(progress))
		return false;
	assets->tar.offset = progress.offset;
	assets->members = progress.members;
	assets->left_out = progress.left_out;
	return true;
}

static void run_child(const struct process *process, int channel, unsigned quota,
		      struct assets *assets)
{
	static struct module_files files; // too large for a stack

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (module_files_init(process, &files))
		return;
	if (!say(channel, assets) || !hear(channel, assets))
		return;
	assets->left_out += files.left_out;
	if (files.count)
		module_files_index(&files, assets);
	for (unsigned i = 0; i < files.count && say(channel, assets); i++)
		module_files_add(&files, i, quota, assets);
	say(channel, assets);
}

void modules_init(const struct process *process, const struct policy *policy, int pipe,
		  unsigned quota, struct assets *assets, struct modules *ret)
{
	int ends[2];

	*ret = (struct modules){0};
	if (!wants_modules(process, policy) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return;
	ret->child = fork();
	if (ret->child == 0) {
		// The kernel lets the process go when the last end of its pipe is closed.
		close(pipe);
		close(ends[0]);
		run_child(process, ends[1], quota, assets);
		_exit(0);
	}
	close(ends[1]);
	ret->channel = ends[0];
	if (ret->child < 0) {
		ret->child = 0;
		close(ret->channel);
	}
}

static int64_t deadline(int64_t milliseconds)
{
	return clock_now(CLOCK_MONOTONIC) + milliseconds * MILLISECOND;
}

// Returns true if the child has said something, or has ended, by then.
static bool wait_for_word(int channel, int64_t end)
{
	int64_t left;
	struct pollfd word = {.fd = channel, .events = POLLIN};

	while ((left = end - clock_now(CLOCK_MONOTONIC)) > 0) {
		int ready = poll(&word, 1, (int)(left / MILLISECOND) + 1);
		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return false;
	}
	return false;
}

void modules_deinit(struct modules *modules)
{
	if (!modules->child)
		return;
	kill(modules->child, SIGKILL);
	for (int i = 0; i < END_PATIENCE && !waitpid(modules->child, NULL, WNOHANG); i++)
		usleep(1000);
	close(modules->channel);
	modules->child = 0;
}

void modules_wait(struct modules *modules)
{
	struct assets ignored;

	if (modules->child && (!wait_for_word(modules->channel, deadline(OPEN_PATIENCE)) ||
			       !hear(modules->channel, &ignored)))
		modules_deinit(modules);
}

void modules_copy(struct modules *modules, struct assets *assets)
{
	if (!modules->child)
		return;
	int64_t end = deadline(COPY_PATIENCE);
	bool going = say(modules->channel, assets);
	while (going)
		going = wait_for_word(modules->channel, end) &&
			hear(modules->channel, assets);
	modules_deinit(modules);
}
