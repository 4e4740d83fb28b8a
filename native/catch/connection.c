#include "connection.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive.h"
#include "clock.h"
#include "kernel_log.h"
#include "peer.h"
#include "request.h"

enum { QUESTION_SECONDS = 60, COMMIT_SECONDS = 600 };

// Nobody watches over us as the kernel does not over its helpers, and a place among
// those served at once must come back: a disk or a lock may hang. 0 for no limit.
static void limit_life(int64_t nanoseconds)
{
	static timer_t timer;
	static bool has_timer;
	struct sigevent killing = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec limit = {.it_value = {nanoseconds / NANOSECONDS,
						nanoseconds % NANOSECONDS}};

	if (!has_timer)
		has_timer = !timer_create(CLOCK_MONOTONIC, &killing, &timer);
	if (has_timer)
		timer_settime(timer, 0, &limit, NULL);
}

static int64_t life_for(uint64_t budget)
{
	const uint64_t extra = (uint64_t)COMMIT_SECONDS * NANOSECONDS;

	return budget && budget < INT64_MAX - extra ? (int64_t)(budget + extra) : 0;
}

static void decline(int connection, const struct request *request)
{
	if (request->mask)
		request_answer(connection, request, REQUEST_REJECT);
	close(connection);
}

// If the kernel cannot be made to send the core there is still the rest to be kept.
static void accept_core(struct crash *crash, const struct request *request)
{
	int error = request_answer(crash->source, request, REQUEST_KERNEL | REQUEST_WAIT);

	crash->waits = !error;
	if (error)
		kernel_log("no core of pid %d comes: %s", (int)crash->arguments.pid,
			   strerror(-error));
}

void connection_handle(int connection, const char *settings, bool asks, int64_t accepted)
{
	static struct crash crash; // too large for a stack, and zero
	static char executable[4096];
	struct request request = {0};

	crash.started = accepted;
	crash.source = connection;
	crash.by_socket = true;
	crash.arguments.settings = settings;
	limit_life((int64_t)QUESTION_SECONDS * NANOSECONDS);
	if (peer_find(connection, executable, sizeof(executable), &crash.arguments,
		      &crash.process))
		return;
	int error = asks ? request_read(connection, &request) : 0;
	if (error)
		kernel_log("pid %d does not ask as the kernel does: %s",
			   (int)crash.arguments.pid, strerror(-error));
	if (process_is_ourselves(&crash.process) || archive_admit(&crash)) {
		decline(connection, &request);
		return;
	}
	if (request.mask)
		accept_core(&crash, &request);
	limit_life(life_for(crash.policy->budget));
	archive_crash(&crash);
	crash_deinit(&crash);
}
