// coresnap-catch: the kernel starts it for every crash, and one crash later it is gone.
//
//     kernel.core_pattern =
//         |.../coresnap-catch [-c CONF] %P %I %s %t %u %g %d %c %F -- %E
//
// The process that crashed keeps its ports, its locks and its restart waiting until
// the pipe is closed; so everything that needs the process comes first, and what only
// needs the disk comes after.
//
// Or coresnapd's warden starts it once, with a listening socket as standard input and a
// connection to itself as standard output, and it serves what the kernel sends there:
//
//     coresnap-catch [-c CONF] -l DOOR WAY_BACK

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
#include "serve.h"

int main(int argc, char **argv)
{
	static struct crash crash; // too large for a stack, and zero

	crash.started = clock_now(CLOCK_MONOTONIC);
	descriptors_forbid_core();
	int bad = arguments_parse(argc, argv, &crash.arguments);
	int warden = crash.arguments.door ? descriptors_keep(STDOUT_FILENO) : -1;
	crash.source = descriptors_secure((int)crash.arguments.pidfd);
	if (crash.source < 0) {
		kernel_log("cannot start: %s", strerror(-crash.source));
		return 1;
	}
	if (bad) {
		kernel_log("the arguments in kernel.core_pattern make no sense");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (crash.arguments.door)
		return serve(&crash.arguments, crash.source, warden) ? 1 : 0;
	process_open(crash.arguments.pid, crash.arguments.tid, crash.arguments.pidfd,
		     &crash.process);
	if (process_is_ourselves(&crash.process))
		return 0;
	int error = archive_admit(&crash) ? 0 : archive_crash(&crash);
	crash_deinit(&crash);
	return error ? 1 : 0;
}
