#include "core_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "clock.h"

enum { PIPE_SIZE = 1 << 20, PATIENCE = 30, TICK = 10 }; // seconds

// Only there to interrupt a read(2) that waits.
static void tick(int number)
{
	(void)number;
}

static void start_ticking(void)
{
	struct sigaction action = {.sa_handler = tick};
	struct itimerval interval = {{TICK, 0}, {TICK, 0}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &interval, NULL);
}

static void stop_ticking(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &never, NULL);
}

static bool is_stalled(int64_t progress)
{
	return clock_now(CLOCK_MONOTONIC) - progress > (int64_t)PATIENCE * NANOSECONDS;
}

void core_stream_enlarge(int pipe)
{
	// Not a pipe, or above fs.pipe-max-size: it is only about speed.
	if (fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE) < 0)
		return;
}

static int copy_steps(int pipe, struct space *space, struct sparse_writer *writer)
{
	int64_t progress = clock_now(CLOCK_MONOTONIC);

	for (;;) {
		uint64_t before = writer->bytes_in, got;
		int error = sparse_writer_copy(writer, pipe, SPACE_STEP, &got);
		if (writer->bytes_in != before)
			progress = clock_now(CLOCK_MONOTONIC);
		if (error == -EINTR && !is_stalled(progress))
			continue;
		if (error)
			return error == -EINTR ? -ETIMEDOUT : error;
		if (got < SPACE_STEP)
			return 0;
		error = space_watch(space, writer->bytes_stored);
		if (error)
			return error;
	}
}

int core_stream_copy(int pipe, struct space *space, struct sparse_writer *writer)
{
	start_ticking();
	int error = copy_steps(pipe, space, writer);
	stop_ticking();
	return error;
}

static int drain_steps(int pipe, int null)
{
	int64_t progress = clock_now(CLOCK_MONOTONIC);

	for (;;) {
		ssize_t moved = splice(pipe, NULL, null, NULL, PIPE_SIZE, SPLICE_F_MOVE);
		if (moved == 0)
			return 0;
		if (moved > 0)
			progress = clock_now(CLOCK_MONOTONIC);
		else if (errno != EINTR)
			return -errno;
		else if (is_stalled(progress))
			return -ETIMEDOUT;
	}
}

int core_stream_drain(int pipe)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0)
		return -errno;
	core_stream_enlarge(pipe);
	start_ticking();
	int error = drain_steps(pipe, null);
	stop_ticking();
	close(null);
	return error;
}
