#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

// Filesystems without O_TMPFILE (NFS, FUSE, overlayfs before Linux 6.1).
static bool needs_name(int error)
{
	return error == EOPNOTSUPP || error == EISDIR || error == EINVAL || error == ENOENT;
}

static int create_named(int directory, struct spool_file *ret)
{
	char random[SPOOL_ID_SIZE + 1];
	int error = spool_make_id(random);

	if (error)
		return error;
	// The prefix of what the daemon removes once it is old.
	snprintf(ret->temporary, sizeof(ret->temporary), ".part-%s", random);
	ret->fd = openat(directory, ret->temporary,
			 O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC,
			 S_IRUSR | S_IWUSR);
	return ret->fd < 0 ? -errno : 0;
}

int spool_create(int directory, struct spool_file *ret)
{
	*ret = (struct spool_file){.directory = directory};
	ret->fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (ret->fd >= 0)
		return 0;
	return needs_name(errno) ? create_named(directory, ret) : -errno;
}

void spool_discard(struct spool_file *file)
{
	if (file->fd < 0)
		return;
	if (*file->temporary && unlinkat(file->directory, file->temporary, 0))
		kernel_log("%s is left over: %s", file->temporary, strerror(errno));
	// A child that hangs may have the lock as well.
	flock(file->fd, LOCK_UN);
	close(file->fd);
	file->fd = -1;
}

int spool_claim(const struct spool *spool, const struct spool_file *file)
{
	if (flock(file->fd, LOCK_EX | LOCK_NB))
		return -errno;
	return fchown(file->fd, spool->uid, spool->gid) ? -errno : 0;
}

static int sync_file(int fd)
{
	int failed;

	do
		failed = fsync(fd);
	while (failed && errno == EINTR);
	return failed ? -errno : 0;
}

int spool_seal(const struct spool *spool, const struct spool_file *file)
{
	if (fchown(file->fd, spool->uid, spool->gid))
		return -errno;
	return sync_file(file->fd);
}

int spool_name(struct spool_file *file, const char *id)
{
	char name[32];
	int directory = file->directory, failed;

	if (file->named)
		return 0;
	// AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH (open(2), O_TMPFILE).
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file->fd);
	if (*file->temporary)
		failed = renameat(directory, file->temporary, directory, id);
	else
		failed = linkat(AT_FDCWD, name, directory, id, AT_SYMLINK_FOLLOW);
	if (failed)
		return -errno;
	*file->temporary = '\0';
	file->named = true;
	return 0;
}

int spool_commit(struct spool_file *file, const char *id)
{
	int error = spool_name(file, id);

	if (error)
		return error;
	// The name is there, and will be unless the power fails in the next seconds:
	// that is no reason to tell anybody that the crash is lost.
	error = sync_file(file->directory);
	if (error)
		kernel_log("name of %s is not on the disk yet: %s", id, strerror(-error));
	return 0;
}
