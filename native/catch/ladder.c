#include "ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"
#include "thin_core.h"

enum { STAT_BLOCK = 512, KIB = 1024 };

// Bytes of a line of /proc/PID/status.
static uint64_t status_bytes(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * KIB : 0;
}

// What has to be stored at most, as far as that can be told before: anonymous and
// shared memory, in memory or swapped out. UINT64_MAX if unknown.
static uint64_t resident_bytes(const struct process *process)
{
	char status[8192];
	int64_t size = process_read(process->task, "status", status, sizeof(status) - 1, NULL);

	if (size <= 0)
		return UINT64_MAX;
	status[size] = '\0';
	return status_bytes(status, "\nRssAnon:") + status_bytes(status, "\nRssShmem:") +
	       status_bytes(status, "\nVmSwap:") + status_bytes(status, "\nHugetlbPages:");
}

static void choose(struct capture *capture, enum rung rung, const char *reason)
{
	capture->rung = rung;
	capture->reason = reason;
}

static void choose_by_room(struct capture *capture, int fd)
{
	uint64_t expected = capture->estimate;

	if (expected == UINT64_MAX)
		return;
	if (expected > capture->policy->physical)
		choose(capture, RUNG_STACKS, "physical-limit");
	else if (expected > space_room(fd, 0))
		choose(capture, RUNG_STACKS, "no-space");
	else if (expected > space_room(fd, capture->settings->quota))
		choose(capture, RUNG_STACKS, "quota");
}

void ladder_choose(struct capture *capture, int fd)
{
	const struct core_head *head = &capture->head;

	if (!head->is_core)
		return;
	capture->estimate = UINT64_MAX;
	if (capture->has_memory)
		capture->estimate = resident_bytes(capture->process);
	if (capture->estimate != UINT64_MAX && capture->estimate > head->end)
		capture->estimate = head->end;
	if (capture->policy->rung > RUNG_FULL)
		choose(capture, capture->policy->rung, "policy");
	else if (head->end > capture->policy->logical)
		choose(capture, RUNG_STACKS, "logical-limit");
	else
		choose_by_room(capture, fd);
	if (capture->rung == RUNG_STACKS && !capture->has_memory)
		capture->rung = RUNG_NOTES;
}

// Why there is no more of the core, in the words of docs/formats.md.
static const char *reason_of(const struct capture *capture, int error)
{
	switch (-error) {
	case 0:
	case ESRCH:
		return "interrupted";
	case EDQUOT:
		return "quota";
	case ENOSPC:
		return "no-space";
	case EFBIG:
		return capture->writer.bytes_stored >= capture->policy->physical
			       ? "physical-limit"
			       : "logical-limit";
	case ETIME:
		return "budget";
	case ECANCELED:
		return "time-out";
	case ETIMEDOUT:
		return "stalled";
	default:
		return "io-error";
	}
}

static bool is_no_room(int error)
{
	return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

// Cut the core, and count again what is stored of it.
static int shorten(struct capture *capture, struct space *space, uint64_t offset)
{
	struct sparse_writer *writer = &capture->writer;
	struct stat file;

	if (ftruncate(writer->fd, (off_t)offset))
		return -errno;
	writer->offset = offset;
	writer->data_end = offset;
	if (!fstat(writer->fd, &file) &&
	    (uint64_t)file.st_blocks * STAT_BLOCK < writer->bytes_stored)
		writer->bytes_stored = (uint64_t)file.st_blocks * STAT_BLOCK;
	space->checked = writer->bytes_stored;
	return 0;
}

// Fetch the important part beside the first `offset` bytes of the kernel's core, and
// let the headers say so.
static int try_stacks(struct capture *capture, struct space *space, bool compact,
		      uint64_t offset)
{
	struct stacks *stacks = &capture->stacks;

	stacks_deinit(stacks);
	int error = shorten(capture, space, offset);
	error = error ? error
		      : stacks_init(&capture->head, capture->writer.fd, compact, stacks);
	error = error ? error : stacks_add_front(stacks, offset);
	error = error ? error
		      : stacks_keep(stacks, capture->process, space, &capture->writer);
	// With the last attempt the beginning, which matters most, is better than nothing.
	if (error && (error != -ESRCH || !stacks->kept) &&
	    (offset > capture->head.memory || !stacks->kept))
		return error;
	return stacks_claim(stacks, &capture->writer);
}

// Fetch the important part now, and give up as much of the rest as has to be.
static int fetch_stacks(struct capture *capture, struct space *space)
{
	uint64_t memory = capture->head.memory, offset = capture->writer.offset;
	bool compact = offset == memory;
	int error = -ENOSPC;

	capture->from_memory |= compact;

	if (!compact)
		error = try_stacks(capture, space, false, offset);
	if (is_no_room(error) && !compact)
		error = try_stacks(capture, space, false,
				   memory + (offset - memory) / 2 / SPACE_STEP * SPACE_STEP);
	return is_no_room(error) ? try_stacks(capture, space, true, memory) : error;
}

// The important part is there already; give up some of the rest for the new headers.
static int claim_stacks(struct capture *capture)
{
	struct stacks *stacks = &capture->stacks;
	struct sparse_writer *writer = &capture->writer;
	uint64_t end = writer->offset;

	if (is_no_room(capture->error)) {
		writer->offset = end - capture->head.memory > SPACE_STEP
					 ? end - SPACE_STEP
					 : capture->head.memory;
		stacks_drop(stacks, writer->fd, writer->offset, end);
	}
	writer->bytes_in += stacks->bytes_in;
	writer->bytes_stored += stacks->bytes_stored;
	int error = stacks_add_front(stacks, writer->offset);
	return error ? error : stacks_claim(stacks, writer);
}

static int claim_notes(struct capture *capture, struct space *space)
{
	struct extents nothing = {0};
	uint64_t table_end, runs;
	int error = shorten(capture, space, capture->head.memory);

	return error ? error
		     : thin_core_write(&capture->head, &nothing, capture->writer.fd, 0,
				       &table_end, &runs);
}

static void descend_to_notes(struct capture *capture, struct space *space)
{
	int error = claim_notes(capture, space);

	if (!error || !capture->error)
		capture->error = error;
}

static int descend_to_stacks(struct capture *capture, struct space *space)
{
	if (capture->stacks.kept)
		return claim_stacks(capture);
	// A kernel that stands still may hold the locks of that memory.
	if (!capture->has_memory || capture->error == -ETIMEDOUT)
		return -ENOTSUP;
	return fetch_stacks(capture, space);
}

void ladder_descend(struct capture *capture, struct space *space)
{
	const char *reason = capture->reason ? capture->reason
					     : reason_of(capture, capture->error);
	enum rung wanted = capture->rung;
	int error = -ENOTSUP;

	if (!capture->head.is_core || capture->writer.offset < capture->head.memory) {
		bool nothing = capture->error && !capture->writer.offset;
		// Without all notes: what came of them, as the kernel sent it.
		choose(capture, nothing ? RUNG_RECORD : RUNG_FULL, nothing ? reason : NULL);
		return;
	}
	if (wanted <= RUNG_STACKS)
		error = descend_to_stacks(capture, space);
	if (!error) {
		choose(capture, RUNG_STACKS, reason);
		capture->error = 0;
	} else if (wanted > RUNG_FULL || capture->writer.offset == capture->head.memory) {
		choose(capture, RUNG_NOTES, reason);
		descend_to_notes(capture, space);
	} // else its front, as the kernel sent it
}
