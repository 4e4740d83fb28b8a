// What is worth knowing beside the core, from /proc into a tar file.
#pragma once

#include "policy.h"
#include "process.h"
#include "tar.h"

struct assets {
	struct tar tar;
	uint8_t *scratch;  // SCRATCH_SIZE bytes of address space
	unsigned members;  // in the tar
	unsigned cut;      // of them cut at their bound
	unsigned left_out; // threads, descriptors and files beyond a bound
};

// Write into `fd`, an empty file. Returns 0 or -ENOMEM.
int assets_init(struct assets *assets, int fd, int64_t time);
void assets_deinit(struct assets *assets);

// Add one member. Failing to store it is counted, and no reason to lose the core.
void assets_add(struct assets *assets, const char *name, const void *data, size_t size);

// Add `process/...`: the files of /proc/PID, its descriptors and its threads.
void assets_add_process(struct assets *assets, const struct process *process, int64_t tid,
			const struct policy *policy);

// Make sure that a last member of up to `size` bytes will have room, however full the
// disk is by then.
void assets_reserve(struct assets *assets, size_t size);

// Add `system/...`: memory, load, pressure, version.
void assets_add_system(struct assets *assets);
