#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core_stream.h"
#include "ladder.h"
#include "memory_fetch.h"

static uint64_t bytes_left(const struct core_head *head)
{
	return head->end > head->size ? head->end - head->size : 0;
}

// Say whether the process stays while its core is not read: either the kernel waits
// for us anyway, or it cannot even get rid of what it has to write.
static bool is_waiting(const struct capture *capture)
{
	char limit[16] = "";

	if (capture->waits)
		return true;
	process_read(AT_FDCWD, "/proc/sys/kernel/core_pipe_limit", limit, sizeof(limit) - 1,
		     NULL);
	if (atoi(limit) > 0)
		return true;
	int capacity = fcntl(capture->source, F_GETPIPE_SZ);
	return capacity > 0 && bytes_left(&capture->head) > (uint64_t)capacity;
}

static bool wants_memory(const struct capture *capture)
{
	const struct settings *settings = capture->settings;

	// Reading the pipe to its end costs as much as the plain way, so the fast way
	// is only fast where that is not wanted.
	return capture->has_memory && settings->fetch != FETCH_PIPE &&
	       (settings->fetch == FETCH_MEMORY || !settings->drain);
}

// Notes beyond CORE_HEAD_LIMIT are still in the pipe.
static int copy_rest_of_head(struct capture *capture)
{
	while (capture->writer.offset < capture->head.memory) {
		uint64_t got, want = capture->head.memory - capture->writer.offset;
		int error = sparse_writer_copy(&capture->writer, capture->source, want, &got);
		if (got)
			patience_progress(capture->patience);
		if (error == -EINTR)
			error = patience_check_front(capture->patience);
		else if (!error && got < want)
			return -ESRCH;
		if (error)
			return error;
	}
	return 0;
}

// Make the file as it was when it ended at `before`, but for what matters most.
static int go_back(struct capture *capture, const struct sparse_writer *before)
{
	uint64_t end = capture->writer.offset;

	capture->writer = *before;
	if (capture->stacks.kept &&
	    !stacks_drop(&capture->stacks, before->fd, before->offset, end))
		return 0;
	stacks_deinit(&capture->stacks);
	capture->stacks = (struct stacks){0};
	return ftruncate(before->fd, (off_t)before->offset) ? -errno : 0;
}

// Returns like memory_fetch(); the writer is as before if the pipe has to be read.
static int fetch_memory(struct capture *capture, struct space *space)
{
	int error = copy_rest_of_head(capture);
	struct sparse_writer before = capture->writer;

	error = error ? error
		      : memory_fetch(&capture->head, capture->process, space,
				     capture->patience, &capture->writer);
	if (!error && !process_is_same(capture->process))
		error = -ESRCH;
	if (error != -ENOTSUP && error != -ESRCH)
		return error;
	int failed = go_back(capture, &before);
	return failed ? failed : error;
}

static void fetch_core(struct capture *capture, struct space *space)
{
	int error = -ENOTSUP;

	if (wants_memory(capture)) {
		error = fetch_memory(capture, space);
		capture->from_memory = error != -ENOTSUP && error != -ESRCH;
	}
	if (!capture->from_memory) {
		core_stream_enlarge(capture->source);
		error = core_stream_copy(capture->source, space, capture->patience,
					 &capture->writer);
		capture->drained = !error;
	}
	capture->error = error;
}

// A huge core may never come to its end: take what explains the crash before the rest.
static void fetch_important(struct capture *capture, struct space *space)
{
	struct sparse_writer before = capture->writer;

	if (stacks_init(&capture->head, before.fd, false, &capture->stacks))
		return;
	// If this fails there will be another look when the rest fails as well.
	stacks_keep(&capture->stacks, capture->process, space, &capture->writer);
	capture->writer = before;
	space->checked = before.bytes_stored;
}

static bool is_huge(const struct capture *capture)
{
	return capture->has_memory && capture->estimate != UINT64_MAX &&
	       capture->estimate > capture->settings->important;
}

static bool is_cut(const struct capture *capture)
{
	return capture->error || capture->writer.offset < capture->head.end;
}

static void fetch(struct capture *capture, struct space *space)
{
	if (capture->rung > RUNG_FULL || is_huge(capture))
		capture->error = copy_rest_of_head(capture);
	if (capture->error == -ESRCH)
		capture->error = 0; // the end came early, and shows
	if (!capture->error && capture->rung == RUNG_FULL) {
		if (is_huge(capture))
			fetch_important(capture, space);
		fetch_core(capture, space);
	}
	if (capture->rung > RUNG_FULL || capture->error ||
	    (is_cut(capture) && capture->stacks.kept))
		ladder_descend(capture, space);
	else if (capture->stacks.kept)
		capture->error = stacks_release(&capture->stacks, capture->writer.fd);
}

static void finish(struct capture *capture)
{
	struct stat file;
	int error = sparse_writer_finish(&capture->writer);

	if (!error)
		return;
	capture->error = capture->error ? capture->error : error;
	if (!fstat(capture->writer.fd, &file))
		capture->writer.offset = (uint64_t)file.st_size;
}

void capture_init(struct capture *capture)
{
	capture->error = core_head_init(capture->source, capture->patience, &capture->head);
}

int capture_core(struct capture *capture, bool same, int fd)
{
	struct sparse_writer *writer = &capture->writer;
	struct space space = {fd, capture->settings->quota, 0};
	int error = sparse_writer_init(writer, fd, capture->policy->physical);

	if (error || capture->error == -ENOMEM)
		return -ENOMEM;
	// The memory of a process that merely got the pid would be worse than none.
	capture->has_memory = same && capture->head.is_core && is_waiting(capture);
	ladder_choose(capture, fd);
	int stored = sparse_writer_append(writer, capture->head.data, capture->head.size);
	capture->error = capture->error ? capture->error : stored;
	if (!capture->error)
		fetch(capture, &space);
	else
		ladder_descend(capture, &space);
	if (!capture->drained && capture->error != -ETIMEDOUT && capture->settings->drain)
		capture->drained = !core_stream_drain(capture->source, capture->patience);
	finish(capture);
	return 0;
}

void capture_deinit(struct capture *capture)
{
	core_head_deinit(&capture->head);
	sparse_writer_deinit(&capture->writer);
	stacks_deinit(&capture->stacks);
}

uint64_t capture_expected_size(const struct capture *capture)
{
	return capture->rung == RUNG_FULL ? capture->head.end : capture->writer.offset;
}

const char *capture_cut(const struct capture *capture)
{
	if (capture->rung >= RUNG_RECORD)
		return NULL;
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
	case ETIME:
		return "budget";
	case ECANCELED:
		return "time-out";
	default:
		return "io-error";
	}
	if (!capture->writer.offset)
		return "empty";
	// The kernel stops writing when the process is killed meanwhile, or frozen
	// (fs/coredump.c, dump_interrupted).
	return capture->writer.offset < capture_expected_size(capture) ? "interrupted" : NULL;
}
