// coresnap-catch: the kernel starts it for every crash, and one crash later it is gone.
//
//     kernel.core_pattern =
//         |.../coresnap-catch [-c CONF] %P %I %s %t %u %g %d %c %F -- %E
//
// The process that crashed keeps its ports, its locks and its restart waiting until
// the pipe is closed; so everything that needs the process comes first, and what only
// needs the disk comes after.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "arguments.h"
#include "clock.h"
#include "descriptors.h"
#include "kernel_log.h"
#include "process.h"
#include "settings.h"

static bool is_ourselves(const struct process *process)
{
	char own[4096], other[4096];

	return process->directory >= 0 &&
	       process_link(AT_FDCWD, "/proc/self/exe", own, sizeof(own)) > 0 &&
	       process_link(process->directory, "exe", other, sizeof(other)) > 0 &&
	       !strcmp(own, other);
}

static void read_settings(struct crash *crash)
{
	int error = settings_read(crash->arguments.settings, &crash->settings);

	if (error && error != -ENOENT)
		kernel_log("settings are refused or have errors: %s", strerror(-error));
}

int main(int argc, char **argv)
{
	static struct crash crash; // too large for a stack, and zero

	crash.started = clock_now(CLOCK_MONOTONIC);
	descriptors_forbid_core();
	int bad = arguments_parse(argc, argv, &crash.arguments);
	crash.pipe = descriptors_secure((int)crash.arguments.pidfd);
	if (crash.pipe < 0) {
		kernel_log("cannot start: %s", strerror(-crash.pipe));
		return 1;
	}
	if (bad) {
		kernel_log("the arguments in kernel.core_pattern make no sense");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	process_open(crash.arguments.pid, crash.arguments.tid, crash.arguments.pidfd,
		     &crash.process);
	if (is_ourselves(&crash.process))
		return 0;
	read_settings(&crash);
	int error = archive_admit(&crash) ? 0 : archive_crash(&crash);
	crash_deinit(&crash);
	return error ? 1 : 0;
}
