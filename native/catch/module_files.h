// The files that a process has mapped as program text, opened by no path of its own.
#pragma once

#include <stdint.h>

#include "assets.h"
#include "process.h"

enum { MODULE_LIMIT = 256 };

struct module_file {
	int fd;
	uint64_t start; // of the mapping that it was found by
	uint64_t size;
	int64_t modified; // seconds since the epoch
	uint64_t device;
	uint64_t inode;
	const char *path; // as /proc/PID/maps has it, up to the line's end
};

struct module_files {
	struct module_file list[MODULE_LIMIT];
	unsigned count;
	unsigned left_out; // too many, too large, or of a filesystem that might not answer
	uint64_t bytes;    // of all files
	char *maps;        // text of /proc/PID/maps, cut into lines
	char *mounts;      // text of /proc/PID/mountinfo
};

// Open what is there. Returns 0, or -errno if nothing can be.
int module_files_init(const struct process *process, struct module_files *ret);

// Append `modules/index`.
void module_files_index(const struct module_files *files, struct assets *assets);

// Append file number `index` if that leaves `quota` percent of the disk free.
void module_files_add(const struct module_files *files, unsigned index, unsigned quota,
		      struct assets *assets);
