#include "admission_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	VERSION = 1,
	HEADER_SIZE = 4096,
	SET = 8, // slots that a key may be in
	SLOT_LIMIT = 128,
	LOCK_TRIES = 200,
	LOCK_PAUSE = 1000000, // nanoseconds
};

#define TIME_LIMIT (INT64_MAX / 4)

static const struct {
	uint32_t count;
	uint32_t size;
} parts[] = {
	[ADMISSION_KINDS] = {4096, sizeof(struct admission_kind)},
	[ADMISSION_EXECUTABLES] = {1024, sizeof(struct admission_executable)},
	[ADMISSION_USERS] = {256, sizeof(struct admission_user)},
};

_Static_assert(sizeof(struct admission_header) == 136, "as documented");
_Static_assert(sizeof(struct admission_kind) == SLOT_LIMIT, "as documented");
_Static_assert(sizeof(struct admission_executable) == SLOT_LIMIT, "as documented");
_Static_assert(sizeof(struct admission_user) == 32, "as documented");

static off_t part_offset(enum admission_part part)
{
	off_t offset = HEADER_SIZE;

	for (int i = 0; i < (int)part; i++)
		offset += (off_t)parts[i].count * parts[i].size;
	return offset;
}

static off_t table_size(void)
{
	return part_offset(ADMISSION_USERS + 1);
}

// Returns -ESTALE for what is not a file that only root and we can have written.
static int open_private(const char *path, mode_t mode)
{
	struct stat file;
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode);

	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -ESTALE : -errno;
	if (fstat(fd, &file) || !S_ISREG(file.st_mode) || file.st_nlink != 1 ||
	    (file.st_uid != 0 && file.st_uid != geteuid()) ||
	    (file.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

static int open_or_replace(const char *path, mode_t mode)
{
	int fd = open_private(path, mode);

	// Nothing is followed, and a directory stays.
	if (fd == -ESTALE && !unlink(path))
		fd = open_private(path, mode);
	return fd;
}

// A lock on the table itself could be held by whoever may read it. The holder needs some
// microseconds, and loses the lock if it dies.
static int take_lock(const char *path, int *ret)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE};
	char name[4096];

	if (snprintf(name, sizeof(name), "%s.lock", path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	*ret = open_or_replace(name, S_IRUSR | S_IWUSR);
	if (*ret < 0)
		return *ret;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(*ret, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static void header_init(struct admission_header *ret)
{
	*ret = (struct admission_header){
		.magic = "\x89" "CSNADM\n",
		.version = VERSION,
		.layout = {HEADER_SIZE, parts[0].count, parts[0].size, parts[1].count,
			   parts[1].size, parts[2].count, parts[2].size},
		.now = 1, // 0 stands for never
	};
}

static bool is_sound(const struct admission_header *header)
{
	struct admission_header wanted;

	header_init(&wanted);
	return !memcmp(header, &wanted, offsetof(struct admission_header, boot_id)) &&
	       header->now > 0 && header->now < TIME_LIMIT;
}

static int reset(struct admission_table *table, gid_t gid)
{
	bool has_reader = gid != (gid_t)-1 && !fchown(table->file, (uid_t)-1, gid);

	if (fchmod(table->file, has_reader ? S_IRUSR | S_IWUSR | S_IRGRP : S_IRUSR | S_IWUSR) ||
	    ftruncate(table->file, 0) || ftruncate(table->file, table_size()))
		return -errno;
	// Have the blocks, for when the disk is full. Some filesystems have no such promise.
	if (fallocate(table->file, 0, 0, table_size()) && errno == ENOSPC)
		return -ENOSPC;
	header_init(&table->header);
	return admission_table_save_header(table);
}

static int read_at(int fd, void *data, size_t size, off_t offset)
{
	ssize_t got = pread(fd, data, size, offset);

	return got < 0 ? -errno : got == (ssize_t)size ? 0 : -EIO;
}

static int write_at(int fd, const void *data, size_t size, off_t offset)
{
	ssize_t done = pwrite(fd, data, size, offset);

	return done < 0 ? -errno : done == (ssize_t)size ? 0 : -EIO;
}

static int load(struct admission_table *table, gid_t gid)
{
	struct stat file;

	if (fstat(table->file, &file))
		return -errno;
	if (file.st_size != table_size() ||
	    read_at(table->file, &table->header, sizeof(table->header), 0) ||
	    !is_sound(&table->header))
		return reset(table, gid);
	return 0;
}

int admission_table_open(const char *path, gid_t gid, struct admission_table *ret)
{
	ret->file = -1;
	int error = take_lock(path, &ret->lock);

	if (!error) {
		ret->file = open_or_replace(path, S_IRUSR | S_IWUSR);
		error = ret->file < 0 ? ret->file : load(ret, gid);
	}
	if (error)
		admission_table_close(ret);
	return error;
}

void admission_table_close(struct admission_table *table)
{
	if (table->file >= 0)
		close(table->file);
	if (table->lock >= 0)
		close(table->lock);
}

int admission_table_save_header(const struct admission_table *table)
{
	return write_at(table->file, &table->header, sizeof(table->header), 0);
}

static uint64_t choose_set(enum admission_part part, uint64_t key, int64_t uid)
{
	return (key ^ (uint64_t)uid * 0x9e3779b97f4a7c15) % (parts[part].count / SET);
}

int admission_table_find(const struct admission_table *table, enum admission_part part,
			 uint64_t key, int64_t uid, void *ret, off_t *ret_offset)
{
	uint8_t set[SET * SLOT_LIMIT];
	size_t size = parts[part].size;
	struct admission_slot slot = {0};
	int64_t oldest = INT64_MAX;
	off_t start = part_offset(part) +
		      (off_t)(choose_set(part, key, uid) * SET * size);
	int error = read_at(table->file, set, SET * size, start);

	if (error)
		return error;
	*ret_offset = start;
	for (size_t at = 0; at < SET * size; at += size) {
		memcpy(&slot, set + at, sizeof(slot));
		if (slot.used_at && slot.key == key && slot.uid == uid) {
			*ret_offset = start + (off_t)at;
			memcpy(ret, set + at, size);
			return 0;
		}
		// What was used in the future is damaged, and goes first.
		int64_t used_at = slot.used_at > table->header.now ? 0 : slot.used_at;
		if (used_at < oldest) {
			oldest = used_at;
			*ret_offset = start + (off_t)at;
		}
	}
	memset(ret, 0, size);
	slot = (struct admission_slot){.key = key, .uid = uid};
	memcpy(ret, &slot, sizeof(slot));
	return 0;
}

int admission_table_save(const struct admission_table *table, enum admission_part part,
			 const void *slot, off_t offset)
{
	return write_at(table->file, slot, parts[part].size, offset);
}
