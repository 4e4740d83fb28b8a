#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "checks.h"
#include "core_stream.h"
#include "memory_fetch.h"

static uint64_t bytes_left(const struct core_head *head)
{
	return head->end > head->size ? head->end - head->size : 0;
}

// Say whether the process stays while its pipe is not read: either the kernel waits
// for us anyway, or it cannot even get rid of what it has to write.
static bool is_waiting(int pipe, const struct core_head *head)
{
	char limit[16] = "";
	int capacity = fcntl(pipe, F_GETPIPE_SZ);

	process_read(AT_FDCWD, "/proc/sys/kernel/core_pipe_limit", limit, sizeof(limit) - 1,
		     NULL);
	return atoi(limit) > 0 || (capacity > 0 && bytes_left(head) > (uint64_t)capacity);
}

static bool wants_memory(int pipe, const struct checks *checks,
			 const struct settings *settings, const struct core_head *head)
{
	if (settings->fetch == FETCH_PIPE || !head->is_core || !is_waiting(pipe, head))
		return false;
	// The memory of a process that merely got the pid would be worse than none.
	if (!checks_same_process(checks, head))
		return false;
	// Reading the pipe to its end costs as much as the plain way, so the fast way
	// is only fast where that is not wanted.
	return settings->fetch == FETCH_MEMORY || !settings->drain;
}

// Notes beyond CORE_HEAD_LIMIT are still in the pipe.
static int copy_rest_of_head(int pipe, struct capture *capture)
{
	while (capture->writer.offset < capture->head.memory) {
		uint64_t got, want = capture->head.memory - capture->writer.offset;
		int error = sparse_writer_copy(&capture->writer, pipe, want, &got);
		if (error && error != -EINTR)
			return error;
		if (!error && got < want)
			return -ESRCH;
	}
	return 0;
}

// Returns like memory_fetch(); the writer is as before if the pipe has to be read.
static int fetch_memory(int pipe, const struct process *process, struct space *space,
			struct capture *capture)
{
	int error = copy_rest_of_head(pipe, capture);
	struct sparse_writer before = capture->writer;

	error = error ? error : memory_fetch(&capture->head, process, space, &capture->writer);
	if (!error && !process_is_same(process))
		error = -ESRCH;
	if (error != -ENOTSUP && error != -ESRCH)
		return error;
	if (ftruncate(before.fd, (off_t)before.offset))
		return -errno;
	capture->writer = before;
	return error;
}

static void fetch_core(int pipe, const struct process *process, const struct checks *checks,
		       const struct settings *settings, struct capture *capture)
{
	struct space space = {capture->writer.fd, settings->quota, 0};
	int error = -ENOTSUP;

	if (wants_memory(pipe, checks, settings, &capture->head)) {
		error = fetch_memory(pipe, process, &space, capture);
		capture->from_memory = error != -ENOTSUP && error != -ESRCH;
	}
	if (!capture->from_memory) {
		core_stream_enlarge(pipe);
		error = core_stream_copy(pipe, &space, &capture->writer);
		capture->drained = !error;
	}
	capture->error = error;
}

int capture_core(int pipe, const struct process *process, const struct checks *checks,
		 const struct settings *settings, int fd, struct capture *ret)
{
	*ret = (struct capture){0};
	int error = sparse_writer_init(&ret->writer, fd, UINT64_MAX);
	if (error)
		return error;
	error = core_head_init(pipe, &ret->head);
	if (error == -ENOMEM)
		return error;
	ret->error = error;
	if (!error)
		ret->error = sparse_writer_append(&ret->writer, ret->head.data, ret->head.size);
	if (!ret->error)
		fetch_core(pipe, process, checks, settings, ret);
	if (!ret->drained && ret->error != -ETIMEDOUT && settings->drain)
		ret->drained = !core_stream_drain(pipe);
	int finished = sparse_writer_finish(&ret->writer);
	ret->error = ret->error ? ret->error : finished;
	return 0;
}

void capture_deinit(struct capture *capture)
{
	core_head_deinit(&capture->head);
	sparse_writer_deinit(&capture->writer);
}

const char *capture_cut(const struct capture *capture)
{
	switch (-capture->error) {
	case 0:
		break;
	case EDQUOT:
		return "quota";
	case ENOSPC:
		return "no-space";
	case EFBIG:
		return "file-size";
	case ETIMEDOUT:
		return "stalled";
	default:
		return "io-error";
	}
	if (!capture->writer.offset)
		return "empty";
	// The kernel stops writing when the process is killed meanwhile, or frozen
	// (fs/coredump.c, dump_interrupted).
	return capture->writer.offset < capture->head.end ? "interrupted" : NULL;
}
