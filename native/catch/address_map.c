#include "address_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mounts.h"
#include "process.h"

enum {
	TEXT_LIMIT = 256 * 1024, // of /proc/PID/maps that is searched
	HEADER_PAGES = 16,       // between where a file's start is expected and is
	HEADER_STEPS = 16,
	MOUNTS_LIMIT = 64 * 1024,
	FILE_BACKED = 0x20,
	COVERING_OR_NEXT = 0x10,
};

// Of pagemap (Documentation/admin-guide/mm/pagemap.rst); only what belongs to no file is
// said to be swapped.
#define PAGE_PRESENT (1ULL << 63)
#define PAGE_SWAPPED (1ULL << 62)

// struct procmap_query of linux/fs.h since 6.11; headers are often older.
struct query {
	uint64_t size;
	uint64_t flags;
	uint64_t address;
	uint64_t start;
	uint64_t end;
	uint64_t permissions;
	uint64_t page_size;
	uint64_t offset;
	uint64_t inode;
	uint32_t device_major;
	uint32_t device_minor;
	uint32_t name_size;
	uint32_t build_id_size;
	uint64_t name;
	uint64_t build_id;
};

#define PROCMAP_QUERY _IOWR('f', 17, struct query)

int address_map_open(int directory, struct address_map *ret)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;

	ret->queries = true;
	ret->device_known = false;
	ret->directory = directory;
	ret->pages = -1;
	ret->maps = openat(directory, "maps", flags);
	if (ret->maps < 0)
		return -errno;
	ret->pages = openat(directory, "pagemap", flags);
	return 0;
}

void address_map_close(struct address_map *map)
{
	if (map->maps >= 0)
		close(map->maps);
	if (map->pages >= 0)
		close(map->pages);
}

static uint64_t join_device(uint32_t major, uint32_t minor)
{
	return (uint64_t)major << 32 | minor;
}

// proc_pid_maps(5) says it behind the path; it may as well be a part of the path.
static bool is_deleted(const char *path)
{
	static const char said[] = " (deleted)";
	size_t length = strlen(path);

	return length >= sizeof(said) - 1 && !strcmp(path + length - (sizeof(said) - 1), said);
}

static int query(const struct address_map *map, uint64_t address, uint64_t flags,
		 struct mapping *ret)
{
	char name[4096] = "";
	struct query query = {
		.size = sizeof(query),
		.flags = FILE_BACKED | flags,
		.address = address,
		.name = (uint64_t)(uintptr_t)name,
		.name_size = sizeof(name),
	};

	int failed = ioctl(map->maps, PROCMAP_QUERY, &query);
	if (failed && errno == ENAMETOOLONG) {
		query.name = query.name_size = 0;
		failed = ioctl(map->maps, PROCMAP_QUERY, &query);
	}
	if (failed)
		return -errno;
	*ret = (struct mapping){
		.start = query.start,
		.end = query.end,
		.offset = query.offset,
		.device = join_device(query.device_major, query.device_minor),
		.inode = query.inode,
		.deleted = is_deleted(name),
	};
	return 0;
}

// `START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH`, see proc_pid_maps(5).
static bool parse_line(const char *line, struct mapping *ret)
{
	uint32_t major, minor;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64, &ret->start,
		   &ret->end, &ret->offset, &major, &minor, &ret->inode) != 6)
		return false;
	ret->device = join_device(major, minor);
	ret->deleted = is_deleted(line);
	return true;
}

// Of a kernel's text, which is made of whole lines, the lines in `text` that end there.
static int search_lines(char *text, uint64_t address, bool or_next, struct mapping *ret)
{
	for (char *line; strchr(text, '\n');) {
		line = strsep(&text, "\n");
		if (!parse_line(line, ret) || address >= ret->end)
			continue;
		if (or_next && !ret->inode)
			continue;
		return (or_next || address >= ret->start) && ret->inode ? 0 : -ENOENT;
	}
	return -EAGAIN;
}

static int search(const struct address_map *map, uint64_t address, bool or_next,
		  struct mapping *ret)
{
	char text[8192];
	size_t kept = 0;
	ssize_t got;

	for (off_t at = 0; at < TEXT_LIMIT; at += got) {
		got = pread(map->maps, text + kept, sizeof(text) - 1 - kept, at);
		if (got <= 0)
			return got ? -errno : -ENOENT;
		text[kept + (size_t)got] = '\0';
		// A line that is not complete goes to the next round.
		char *rest = strrchr(text, '\n');
		rest = rest ? rest + 1 : text;
		size_t left = kept + (size_t)got - (size_t)(rest - text);
		char carried[sizeof(text)];
		memcpy(carried, rest, left);
		*rest = '\0';
		int error = search_lines(text, address, or_next, ret);
		if (error != -EAGAIN)
			return error;
		memcpy(text, carried, left);
		kept = left;
		if (kept == sizeof(text) - 1)
			return -E2BIG; // no line of the kernel is that long
	}
	return -E2BIG;
}

static int find(struct address_map *map, uint64_t address, bool or_next, struct mapping *ret)
{
	uint64_t flags = or_next ? COVERING_OR_NEXT : 0;
	int error = map->queries ? query(map, address, flags, ret) : -ENOTTY;

	if (error != -ENOTTY)
		return error;
	map->queries = false;
	return search(map, address, or_next, ret);
}

int address_map_find(struct address_map *map, uint64_t address, struct mapping *ret)
{
	return find(map, address, false, ret);
}

int address_map_find_next(struct address_map *map, uint64_t address, struct mapping *ret)
{
	return find(map, address, true, ret);
}

// Find where the start of a mapped file is: before the mapping, with linkers leaving
// some pages between segments.
static int find_header(const struct address_map *map, const struct mapping *mapping,
		       struct mapping *ret)
{
	uint64_t slack = HEADER_PAGES * (uint64_t)getpagesize();
	uint64_t before = mapping->offset + slack;
	uint64_t at = mapping->start > before ? mapping->start - before : 0;

	for (int i = 0; i < HEADER_STEPS && at <= mapping->start; i++) {
		if (query(map, at, COVERING_OR_NEXT, ret))
			break;
		if (ret->device == mapping->device && ret->inode == mapping->inode &&
		    !ret->offset)
			return 0;
		at = ret->end;
	}
	return -ENOENT;
}

bool address_map_is_present(const struct address_map *map, uint64_t address)
{
	uint64_t entry = 0, at = address / (uint64_t)getpagesize() * sizeof(entry);

	return pread(map->pages, &entry, sizeof(entry), (off_t)at) == sizeof(entry) &&
	       (entry & (PAGE_PRESENT | PAGE_SWAPPED));
}

static bool find_local(const struct address_map *map, uint32_t major, uint32_t minor)
{
	char text[MOUNTS_LIMIT];
	int64_t size =
		process_read(map->directory, "mountinfo", text, sizeof(text) - 1, NULL);

	text[size > 0 ? size : 0] = '\0';
	return mounts_is_local(text, major, minor) || mounts_is_shared_memory(major, minor);
}

bool address_map_is_local(struct address_map *map, const struct mapping *mapping)
{
	if (!map->device_known || map->device != mapping->device)
		map->device_local = find_local(map, (uint32_t)(mapping->device >> 32),
					       (uint32_t)mapping->device);
	map->device = mapping->device;
	map->device_known = true;
	return map->device_local;
}

int address_map_build_id(struct address_map *map, const struct mapping *mapping,
			 uint8_t *ret)
{
	struct mapping header;

	if (!map->queries || find_header(map, mapping, &header))
		return -ENOENT;
	// The kernel may have to read the file's first page (lib/buildid.c). Whether the
	// process had it mapped differs between children of one fork, so that does not count.
	if (!address_map_is_local(map, &header))
		return -ENOENT;
	struct query query = {
		.size = sizeof(query),
		.address = header.start,
		.build_id = (uint64_t)(uintptr_t)ret,
		.build_id_size = BUILD_ID_SIZE,
	};
	if (ioctl(map->maps, PROCMAP_QUERY, &query) || !query.build_id_size)
		return -ENOENT;
	return (int)query.build_id_size;
}
