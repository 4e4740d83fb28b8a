#include "mounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char *const local[] = {
	"bcachefs", "btrfs", "erofs",    "exfat", "ext2",  "ext3", "ext4", "f2fs",
	"iso9660",  "jfs",   "nilfs2",   "ntfs3", "overlay", "ramfs", "reiserfs", "rootfs",
	"squashfs", "tmpfs", "ubifs",    "udf",   "vfat",  "xfs",  "zfs",
};

// The field behind the separator (proc_pid_mountinfo(5)): the filesystem's type.
static bool is_of_local_type(const char *line, size_t size)
{
	const char *separator = memmem(line, size, " - ", 3);

	if (!separator)
		return false;
	const char *type = separator + 3;
	size_t length = strcspn(type, " \n");
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if (strlen(local[i]) == length && !memcmp(local[i], type, length))
			return true;
	return false;
}

bool mounts_is_local(const char *mountinfo, uint32_t device_major, uint32_t device_minor)
{
	uint32_t major, minor;

	for (const char *line = mountinfo; *line;) {
		size_t size = strcspn(line, "\n");
		if (sscanf(line, "%*u %*u %" SCNu32 ":%" SCNu32, &major, &minor) == 2 &&
		    major == device_major && minor == device_minor)
			return is_of_local_type(line, size);
		line += size;
		line += *line == '\n';
	}
	return false;
}

bool mounts_is_shared_memory(uint32_t device_major, uint32_t device_minor)
{
	const unsigned kinds[] = {MFD_CLOEXEC, MFD_CLOEXEC | MFD_HUGETLB};
	bool same = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && !same; i++) {
		struct stat status;
		int fd = memfd_create("", kinds[i]);
		if (fd < 0)
			continue;
		same = !fstat(fd, &status) && major(status.st_dev) == device_major &&
		       minor(status.st_dev) == device_minor;
		close(fd);
	}
	return same;
}
