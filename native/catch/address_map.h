// Finds which file is mapped at an address of a live process. No path is followed, no
// file is opened.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUILD_ID_SIZE = 20 };

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; // of `start` in the file
	uint64_t device;
	uint64_t inode;
	bool deleted; // the file has no name any more, or never had one (memfd_create(2))
};

struct address_map {
	int directory; // borrowed
	int maps;      // /proc/PID/maps
	int pages;     // /proc/PID/pagemap
	bool queries;  // the kernel answers questions, else its text is searched
	uint64_t device; // the last one that was looked up, if `device_known`
	bool device_known;
	bool device_local;
};

// `directory` is that of a process or thread in /proc. Returns 0 or -errno.
int address_map_open(int directory, struct address_map *ret);
void address_map_close(struct address_map *map);

// Find the mapping at an address. Returns -ENOENT if no file is mapped there.
int address_map_find(struct address_map *map, uint64_t address, struct mapping *ret);

// Find the mapping of a file at an address, or the first one behind it. Returns -ENOENT
// if there is none.
int address_map_find_next(struct address_map *map, uint64_t address, struct mapping *ret);

// Say whether the mapped file is on a filesystem that keeps no reader waiting.
bool address_map_is_local(struct address_map *map, const struct mapping *mapping);

// Say whether a page of the process can be read without waiting for the storage of a
// file: its server may be the process that has crashed.
bool address_map_is_present(const struct address_map *map, uint64_t address);

// Get the build-id of the mapped file, `ret` of BUILD_ID_SIZE bytes. Returns its size.
// -ENOENT where there is none, where the kernel is older than 6.11, and where the file is
// not on a local filesystem.
int address_map_build_id(struct address_map *map, const struct mapping *mapping,
			 uint8_t *ret);
