#include "tar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct header {
	char name[TAR_NAME_SIZE];
	char mode[8], uid[8], gid[8];
	char size[12], time[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6], version[2];
	char user[32], group[32];
	char device_major[8], device_minor[8];
	char prefix[155];
	char padding[12];
};

_Static_assert(sizeof(struct header) == TAR_BLOCK_SIZE, "a header is one block");

void tar_init(struct tar *tar, int fd, int64_t time)
{
	*tar = (struct tar){.fd = fd, .time = time < 0 ? 0 : time};
}

static void fill_header(const char *name, uint64_t size, int64_t time, struct header *ret)
{
	unsigned sum = 0;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, name, strlen(name));
	memcpy(ret->mode, "0000600", 8);
	memcpy(ret->uid, "0000000", 8);
	memcpy(ret->gid, "0000000", 8);
	snprintf(ret->size, sizeof(ret->size), "%011llo", (unsigned long long)size);
	snprintf(ret->time, sizeof(ret->time), "%011llo", (unsigned long long)time);
	ret->type = '0';
	memcpy(ret->magic, "ustar", 6);
	memcpy(ret->version, "00", 2);
	memset(ret->checksum, ' ', sizeof(ret->checksum));
	for (size_t i = 0; i < sizeof(*ret); i++)
		sum += ((const unsigned char *)ret)[i];
	snprintf(ret->checksum, sizeof(ret->checksum), "%06o", sum);
}

static int write_at(int fd, const struct iovec *pieces, int count, uint64_t offset)
{
	size_t total = 0;
	ssize_t written;

	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	do
		written = pwritev(fd, pieces, count, (off_t)offset);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return -errno;
	return (size_t)written == total ? 0 : -ENOSPC;
}

int tar_add(struct tar *tar, const char *name, const void *data, size_t size)
{
	static const char zeros[TAR_BLOCK_SIZE];
	struct header header;
	size_t padding = (TAR_BLOCK_SIZE - size % TAR_BLOCK_SIZE) % TAR_BLOCK_SIZE;
	struct iovec pieces[] = {
		{&header, sizeof(header)},
		{(void *)data, size},
		{(void *)zeros, padding},
	};

	if (strlen(name) >= TAR_NAME_SIZE)
		return -ENAMETOOLONG;
	fill_header(name, size, tar->time, &header);
	int error = write_at(tar->fd, pieces, 3, tar->offset);
	if (error)
		return error;
	tar->offset += sizeof(header) + size + padding;
	return 0;
}

// Returns bytes of `data` that are valid, all of them: what is missing is zeros.
static size_t read_padded(int file, void *data, size_t size)
{
	char *bytes = data;
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(file, bytes + done, size - done);
		if (got <= 0 && !(got < 0 && errno == EINTR))
			break;
		done += got > 0 ? (size_t)got : 0;
	}
	memset(bytes + done, 0, size - done);
	return size;
}

int tar_add_file(struct tar *tar, const char *name, int file, uint64_t size, void *buffer,
		 size_t buffer_size)
{
	static const char zeros[TAR_BLOCK_SIZE];
	struct header header;
	struct iovec head = {&header, sizeof(header)};
	uint64_t offset = tar->offset + sizeof(header), left = size;

	if (strlen(name) >= TAR_NAME_SIZE)
		return -ENAMETOOLONG;
	fill_header(name, size, tar->time, &header);
	int error = write_at(tar->fd, &head, 1, tar->offset);
	while (!error && left) {
		size_t piece = left < buffer_size ? (size_t)left : buffer_size;
		struct iovec body = {buffer, read_padded(file, buffer, piece)};
		error = write_at(tar->fd, &body, 1, offset);
		offset += piece;
		left -= piece;
	}
	struct iovec padding = {(void *)zeros, -offset % TAR_BLOCK_SIZE};
	if (!error && padding.iov_len)
		error = write_at(tar->fd, &padding, 1, offset);
	if (!error)
		tar->offset = offset + padding.iov_len;
	return error;
}

int tar_finish(struct tar *tar)
{
	static const char end[2 * TAR_BLOCK_SIZE];
	struct iovec piece = {(void *)end, sizeof(end)};
	int error = write_at(tar->fd, &piece, 1, tar->offset);

	if (error)
		return error;
	return ftruncate(tar->fd, (off_t)(tar->offset + sizeof(end))) ? -errno : 0;
}
