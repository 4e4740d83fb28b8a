#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_log.h"

enum { DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW };

static int open_directory(int parent, const char *name, struct stat *ret)
{
	int fd = openat(parent, name, DIRECTORY);

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int is_private(const struct stat *directory, const struct spool *spool)
{
	uid_t uid = directory->st_uid;
	gid_t gid = directory->st_gid;

	if (uid != 0 && uid != geteuid() && uid != spool->uid)
		return 0;
	if ((directory->st_mode & S_IWGRP) && gid != 0 && gid != spool->gid)
		return 0;
	return !(directory->st_mode & S_IWOTH);
}

int spool_open(const struct settings *settings, struct spool *ret)
{
	struct stat root, pending, assets;
	int error = 0;
	int fd = open_directory(AT_FDCWD, settings->spool, &root);

	*ret = (struct spool){.pending = -1, .assets = -1};
	if (fd < 0)
		return fd;
	ret->pending = open_directory(fd, "pending", &pending);
	ret->assets = open_directory(fd, "assets", &assets);
	close(fd);
	if (ret->pending < 0 || ret->assets < 0) {
		error = ret->pending < 0 ? ret->pending : ret->assets;
		spool_close(ret);
		return error;
	}
	ret->uid = settings->has_owner ? settings->uid : pending.st_uid;
	ret->gid = settings->has_owner ? settings->gid : pending.st_gid;
	if (is_private(&root, ret) && is_private(&pending, ret) && is_private(&assets, ret))
		return 0;
	spool_close(ret);
	return -EPERM;
}

void spool_close(struct spool *spool)
{
	if (spool->pending >= 0)
		close(spool->pending);
	if (spool->assets >= 0)
		close(spool->assets);
	spool->pending = spool->assets = -1;
}

int spool_make_id(char *ret)
{
	uint8_t random[SPOOL_ID_SIZE / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(ret + 2 * i, 3, "%02x", random[i]);
	return 0;
}

int spool_create(int directory)
{
	int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);

	return fd < 0 ? -errno : fd;
}

int spool_seal(const struct spool *spool, int fd)
{
	if (fchown(fd, spool->uid, spool->gid))
		return -errno;
	return fsync(fd) ? -errno : 0;
}

int spool_commit(int directory, int fd, const char *id)
{
	char name[32];

	// AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH (open(2), O_TMPFILE).
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, name, directory, id, AT_SYMLINK_FOLLOW))
		return -errno;
	// The name is there, and will be unless the power fails in the next seconds:
	// that is no reason to tell anybody that the crash is lost.
	if (fsync(directory))
		kernel_log("name of %s is not on the disk yet: %s", id, strerror(errno));
	return 0;
}
