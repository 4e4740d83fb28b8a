#include "space.h"

#include <errno.h>
#include <sys/statvfs.h>

static bool leaves(uint64_t available, uint64_t wanted, uint64_t total, unsigned quota)
{
	if (wanted > available)
		return false;
	return (available - wanted) >= total / 100 * quota + total % 100 * quota / 100;
}

bool space_admits(int fd, unsigned quota, uint64_t bytes)
{
	struct statvfs space;

	// Without an answer let the write itself find out.
	if (fstatvfs(fd, &space) || !space.f_frsize)
		return true;
	uint64_t blocks = bytes / space.f_frsize + (bytes % space.f_frsize != 0);
	if (!leaves(space.f_bavail, blocks, space.f_blocks, quota))
		return false;
	// btrfs and others make inodes as needed and say 0 of 0.
	return !space.f_files || leaves(space.f_favail, 1, space.f_files, quota);
}

uint64_t space_room(int fd, unsigned quota)
{
	struct statvfs space;

	if (fstatvfs(fd, &space) || !space.f_frsize)
		return UINT64_MAX;
	uint64_t total = space.f_blocks, available = space.f_bavail;
	uint64_t spared = total / 100 * quota + total % 100 * quota / 100;
	return available > spared ? (available - spared) * space.f_frsize : 0;
}

int space_watch(struct space *space, uint64_t stored)
{
	// Without a quota the disk may be filled, and says so itself.
	if (!space->quota || stored - space->checked < SPACE_STEP)
		return 0;
	space->checked = stored;
	return space_admits(space->fd, space->quota, SPACE_STEP) ? 0 : -EDQUOT;
}
