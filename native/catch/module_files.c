#include "module_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mounts.h"
#include "space.h"

enum {
	MIB = 1024 * 1024,
	TEXT_SIZE = 4 * MIB, // of maps, and of mountinfo
	COPY_SIZE = MIB,
	NAME_SIZE = 64,
};

static const uint64_t FILE_LIMIT = 64ULL * MIB, TOTAL_LIMIT = 256ULL * MIB;

static char *read_text(const struct process *process, const char *name)
{
	char *text = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (text == MAP_FAILED)
		return NULL;
	if (process_read(process->task, name, text, TEXT_SIZE - 1, NULL) > 0)
		return text;
	munmap(text, TEXT_SIZE);
	return NULL;
}

static bool is_known(const struct module_files *files, uint64_t device, uint64_t inode)
{
	for (unsigned i = 0; i < files->count; i++)
		if (files->list[i].inode == inode && files->list[i].device == device)
			return true;
	return false;
}

static bool is_elf(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       !memcmp(magic, "\x7f" "ELF", sizeof(magic));
}

// The link leads to the file that is mapped, whatever has become of its path. It is
// looked at before it is opened: opening a device can do things.
static int open_mapped(const struct process *process, const char *name, struct stat *ret)
{
	if (fstatat(process->directory, name, ret, 0))
		return -errno;
	if (!S_ISREG(ret->st_mode))
		return -EINVAL;
	int fd = openat(process->directory, name,
			O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret) || !S_ISREG(ret->st_mode) || !is_elf(fd)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static void add_mapping(const struct process *process, uint64_t end,
			const struct module_file *found, struct module_files *files)
{
	char name[NAME_SIZE];
	struct stat status;
	struct module_file *file = &files->list[files->count];

	// fs/proc/base.c, proc_map_files_lookup: no leading zeros, unlike in maps.
	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, found->start, end);
	int fd = open_mapped(process, name, &status);
	if (fd < 0)
		return;
	uint64_t size = (uint64_t)status.st_size;
	if (size > FILE_LIMIT || files->bytes + size > TOTAL_LIMIT) {
		files->left_out++;
		close(fd);
		return;
	}
	*file = *found;
	file->fd = fd;
	file->size = size;
	file->modified = status.st_mtime;
	files->bytes += size;
	files->count++;
}

// `START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH`, see proc_pid_maps(5).
static void add_line(const struct process *process, const char *line,
		     struct module_files *files)
{
	struct module_file found = {.fd = -1};
	char permissions[5];
	uint64_t end;
	uint32_t major, minor;
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64
			 " %n",
		   &found.start, &end, permissions, &major, &minor, &found.inode, &path) != 6)
		return;
	if (!path || line[path] != '/' || !strchr(permissions, 'x'))
		return;
	found.path = line + path;
	found.device = makedev(major, minor);
	if (is_known(files, found.device, found.inode))
		return;
	if (files->count == MODULE_LIMIT || !mounts_is_local(files->mounts, major, minor))
		files->left_out++;
	else
		add_mapping(process, end, &found, files);
}

int module_files_init(const struct process *process, struct module_files *ret)
{
	*ret = (struct module_files){0};
	ret->maps = read_text(process, "maps");
	ret->mounts = read_text(process, "mountinfo");
	if (!ret->maps || !ret->mounts)
		return -ESRCH;
	for (char *line = ret->maps; *line;) {
		char *end = line + strcspn(line, "\n");
		bool more = *end;
		*end = '\0';
		add_line(process, line, ret);
		line = end + more;
	}
	return 0;
}

// `NUMBER START SIZE MODIFIED PATH` and a NUL for each.
void module_files_index(const struct module_files *files, struct assets *assets)
{
	char *text = files->mounts; // has been read
	size_t used = 0;

	for (unsigned i = 0; i < files->count; i++) {
		const struct module_file *file = &files->list[i];
		int length = snprintf(text + used, TEXT_SIZE - used,
				      "%u %" PRIx64 " %" PRIu64 " %" PRId64 " %s", i,
				      file->start, file->size, file->modified, file->path);
		if (length < 0 || (size_t)length >= TEXT_SIZE - used)
			break;
		used += (size_t)length + 1;
	}
	assets_add(assets, "modules/index", text, used);
}

void module_files_add(const struct module_files *files, unsigned index, unsigned quota,
		      struct assets *assets)
{
	const struct module_file *file = &files->list[index];
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "modules/%u", index);
	if (space_admits(assets->tar.fd, quota, file->size) &&
	    !tar_add_file(&assets->tar, name, file->fd, file->size, assets->scratch,
			  COPY_SIZE))
		assets->members++;
	else
		assets->left_out++;
}
