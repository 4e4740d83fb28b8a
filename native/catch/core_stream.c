#include "core_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20 };

void core_stream_enlarge(int pipe)
{
	// Not a pipe, or above fs.pipe-max-size: it is only about speed.
	if (fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE) < 0)
		return;
}

int core_stream_copy(int pipe, struct space *space, struct patience *patience,
		     struct sparse_writer *writer)
{
	patience_progress(patience);
	for (;;) {
		uint64_t before = writer->bytes_in, got;
		int error = sparse_writer_copy(writer, pipe, SPACE_STEP, &got);
		if (writer->bytes_in != before)
			patience_progress(patience);
		if (error && error != -EINTR)
			return error;
		if (!error && got < SPACE_STEP)
			return 0;
		error = space_watch(space, writer->bytes_stored);
		error = error ? error : patience_check(patience);
		if (error)
			return error;
	}
}

static int drain_steps(int pipe, int null, struct patience *patience)
{
	for (;;) {
		ssize_t moved = splice(pipe, NULL, null, NULL, PIPE_SIZE, SPLICE_F_MOVE);
		if (moved == 0)
			return 0;
		if (moved < 0 && errno != EINTR)
			return -errno;
		if (moved > 0)
			patience_progress(patience);
		int error = patience_check(patience);
		if (error)
			return error;
	}
}

int core_stream_drain(int pipe, struct patience *patience)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0)
		return -errno;
	core_stream_enlarge(pipe);
	patience_progress(patience);
	int error = drain_steps(pipe, null, patience);
	close(null);
	return error;
}
